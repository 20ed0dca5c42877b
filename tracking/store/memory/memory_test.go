package memory_test

import (
	"testing"

	"corridor/tracking"
	"corridor/tracking/store/memory"
	"corridor/tracking/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) tracking.Store { return memory.New() })
}
