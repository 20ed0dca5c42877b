//go:build !unix

package paged

import (
	"errors"
	"os"
)

func mapFile(*os.File, int) ([]byte, error) {
	return nil, errors.New("this system has no mmap of the kind that is used here")
}

func unmap([]byte) error { return nil }

func rest([]byte) {}
