package queue_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"corridor/geodata/network/sea/internal/queue"
)

func TestPopsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		costs := rapid.SliceOf(rapid.Float32Range(0, 1e6)).Draw(t, "costs")
		var q queue.Queue[float32]
		for i, c := range costs {
			q.Push(c, int32(i))
		}
		var got []float32
		for len(q) > 0 {
			c, n := q.Pop()
			if costs[n] != c {
				t.Fatalf("node %d came with cost %v, went in with %v", n, c, costs[n])
			}
			got = append(got, c)
		}
		slices.Sort(costs)
		if !slices.Equal(got, costs) {
			t.Fatalf("popped %v, want %v", got, costs)
		}
	})
}
