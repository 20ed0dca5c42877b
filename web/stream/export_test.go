package stream

import (
	"errors"

	"github.com/gorilla/websocket"

	"corridor/tracking"
)

// Parse reads a message of a client.
func Parse(b []byte) (tracking.Interest, error) {
	s, fault := parse(websocket.TextMessage, b)
	if fault != nil {
		return tracking.Interest{}, errors.New(fault.Detail)
	}
	return s.interest, nil
}
