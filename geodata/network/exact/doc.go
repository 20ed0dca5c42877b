// Package exact is the exact network of an imported area: every road that a lorry
// may use and every railway of an OpenStreetMap extract, in the directions and
// under the limits that the map tells, and the search on it.
//
// A Builder turns tags and nodes into a network (build.go, rule.go), Make gives it
// the order and the hierarchy that searches need, and the area is stored as a file
// that is mapped into memory and ready at once (file.go, FORMAT.md). Limits are
// looked up per vehicle: a new vehicle costs one customisation, never a rebuild.
//
// It knows nothing beyond its edge. Package network joins areas to the world's
// network (land); read that next.
package exact
