package api

// ManifestLines are the lines a manifest's rows and refusals are on.
func ManifestLines(b []byte) ([]int, error) {
	rows, refused, err := readManifest(b, 1)
	var lines []int
	for _, r := range rows {
		lines = append(lines, r.line)
	}
	for _, r := range refused {
		lines = append(lines, r.Line)
	}
	return lines, err
}
