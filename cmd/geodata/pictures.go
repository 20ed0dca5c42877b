package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"

	"github.com/paulmach/orb"

	"corridor/geodata"
	"corridor/geodata/area"
	"corridor/geodata/network/land"
)

// A picture shows the world from 60° south to 80° north.
const (
	pictureWide  = 2400 // pixels for 360°
	pictureSouth = -60.0
	pictureNorth = 80.0
)

// Colours of a picture by what a line is.
const (
	inkSea = iota
	inkLand
	inkLine // nothing known
	inkFirst
	inkSecond
	inkThird
	inkFourth
	inkEstimated
	inkFerry
)

var palette = color.Palette{
	inkSea: color.RGBA{0xe8, 0xf0, 0xf6, 0xff}, inkLand: color.RGBA{0xfb, 0xfa, 0xf6, 0xff}, inkLine: color.RGBA{0x9a, 0xa5, 0xb1, 0xff},
	inkFirst: color.RGBA{0xc0, 0x39, 0x2b, 0xff}, inkSecond: color.RGBA{0xe0, 0x8e, 0x1a, 0xff}, inkThird: color.RGBA{0x2e, 0x7d, 0x32, 0xff},
	inkFourth: color.RGBA{0x8e, 0x44, 0xad, 0xff}, inkEstimated: color.RGBA{0x11, 0x11, 0x11, 0xff}, inkFerry: color.RGBA{0x1f, 0x5f, 0xbf, 0xff},
}

// buildPictures draws the land networks as they are stored, for the README.
func buildPictures(context.Context, *fetcher) error {
	a, err := area.Open()
	if err != nil {
		return err
	}
	for _, mode := range []geodata.Mode{geodata.Road, geodata.Rail} {
		net, err := land.Stored(mode)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		enc := png.Encoder{CompressionLevel: png.BestCompression}
		if err := enc.Encode(&out, draw(net, a)); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join("geodata", "network", "land", string(mode)+".png"), out.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func draw(net *land.Net, a *area.Area) image.Image {
	scale := float64(pictureWide) / 360
	high := int((pictureNorth - pictureSouth) * scale)
	img := image.NewPaletted(image.Rect(0, 0, pictureWide, high), palette)
	for y := range high {
		for x := range pictureWide {
			p := orb.Point{(float64(x)+0.5)/scale - 180, pictureNorth - (float64(y)+0.5)/scale}
			if _, ok := a.Land(p); ok {
				img.SetColorIndex(x, y, inkLand)
			}
		}
	}
	// What is known is drawn over what is not.
	for _, over := range []bool{false, true} {
		for _, e := range net.Edges {
			ink := inkOf(net, e)
			if over != (ink != inkLine) {
				continue
			}
			last := land.Vertex{Lat: net.Lat[e.From], Lon: net.Lon[e.From]}
			for _, v := range append(e.Shape[:len(e.Shape):len(e.Shape)], land.Vertex{Lat: net.Lat[e.To], Lon: net.Lon[e.To]}) {
				stroke(img, last, v, scale, ink)
				last = v
			}
		}
	}
	return img
}

func inkOf(net *land.Net, e land.Edge) uint8 {
	k := net.Kinds[e.Kind]
	switch {
	case k.Ferry != "":
		return inkFerry
	case e.Estimated && e.Metres > 20_000:
		return inkEstimated
	case net.Mode == geodata.Rail:
		switch k.GaugeMM {
		case 1435:
			return inkFirst
		case 1520, 1524:
			return inkSecond
		case 1668, 1676, 1600:
			return inkThird
		case 1000, 1067:
			return inkFourth
		}
	case k.Class == "motorway":
		return inkFirst
	case k.Number != "":
		return inkSecond
	}
	return inkLine
}

func stroke(img *image.Paletted, a, b land.Vertex, scale float64, ink uint8) {
	x := func(v land.Vertex) float64 { return (float64(v.Lon)/land.UnitsPerDegree + 180) * scale }
	y := func(v land.Vertex) float64 { return (pictureNorth - float64(v.Lat)/land.UnitsPerDegree) * scale }
	steps := int(max(math.Abs(x(b)-x(a)), math.Abs(y(b)-y(a)))) + 1
	for i := range steps + 1 {
		f := float64(i) / float64(steps)
		img.SetColorIndex(int(x(a)+f*(x(b)-x(a)))%pictureWide, int(y(a)+f*(y(b)-y(a))), ink)
	}
}
