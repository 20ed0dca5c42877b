// Package dist holds the built UI, so that the server needs no other files. The
// folder site is what `npm run build` in web/ui leaves (make ui); it is committed
// and CI checks that building again changes nothing. Do not edit it by hand.
package dist

import (
	"embed"
	"io/fs"
)

//go:embed all:site
var site embed.FS

// FS returns the site: index.html and the files it refers to. Everything under
// assets/ carries a hash of its content in its name.
func FS() fs.FS {
	sub, err := fs.Sub(site, "site")
	if err != nil {
		panic(err) // only for an invalid path, and it is constant
	}
	return sub
}
