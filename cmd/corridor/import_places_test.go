package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"corridor/geodata"
	"corridor/geodata/gazetteer/register"
)

// importText imports a table into a data directory.
func importText(t *testing.T, data, name, text string) importReport {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := importCommand(t.Context(), []string{"places", file, "--data", data, "--json"}, nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var answer struct{ Imports []importReport }
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Imports[0]
}

func TestImportOwnPlaces(t *testing.T) {
	data := t.TempDir()
	r := importText(t, data, "depots.csv", register.Header+`
WH-7,Jiaozhou warehouse,胶州仓库,Склад Цзяочжоу,Depot seven,,36.21,120.03,road|rail,,,1435
,Duisburg,,,,DE,51.40,6.73,road,,,
CNTAO,Our Qingdao,,,,,36.05,120.30,seaport,,,
,Lost,,,,,95,0,,,,
,Adrift,,,,,0,-140,,,,
WH-7,Another,,,,CN,30,110,rail,,,1435
`)
	if r.Loaded != 3 || len(r.Refused) != 3 || r.Refused[0].Line != 5 || !strings.Contains(r.Refused[1].Reason, "high seas") || !strings.Contains(r.Refused[2].Reason, "line 2") {
		t.Fatalf("%+v", r)
	}
	g, err := openPlaces(data)
	if err != nil {
		t.Fatal(err)
	}
	for q, want := range map[string]string{
		"WH-7": "Jiaozhou warehouse", "Jiaozhou warehouse": "Jiaozhou warehouse", "胶州仓库": "Jiaozhou warehouse", "Depot seven": "Jiaozhou warehouse",
		"Duisburg": "Duisburg", "CNTAO": "Our Qingdao", "DEDUI": "Duisburg",
	} {
		p, err := g.Resolve(q)
		if err != nil || p.Names.EN != want {
			t.Errorf("Resolve(%q) = %+v, %v, want %s", q, p, err, want)
		}
	}
	// The own Duisburg wins the tie, its code still means the town.
	if p, _ := g.Resolve("Duisburg"); p.Code != "" || p.Point[1] != 51.40 {
		t.Errorf("Duisburg is %+v", p)
	}
	found := g.Search("duisburg", 5)
	if !found[0].Own || found[1].Own {
		t.Errorf("%+v", found[:2])
	}
	if p, _ := g.Resolve("WH-7"); p.Country != "CN" || p.TimeZone != "Asia/Shanghai" {
		t.Errorf("its country is told by its point: %+v", p)
	}
	if port, ok := g.Terminal("sea:CNTAO"); !ok || port.Point[1] != 36.05 {
		t.Errorf("the port is %+v", port)
	}
	if yard := g.Near([2]float64{120.03, 36.21}, geodata.Rail, 1); yard[0].ID != "rail:own-wh-7" {
		t.Errorf("the yard nearby is %s", yard[0].ID)
	}
	for _, airport := range g.Terminals(geodata.Air) {
		if airport.ID == "air:TAO" && airport.Place != "CNTAO" {
			t.Errorf("the airport serves %q", airport.Place)
		}
	}

	// Importing again replaces; another file adds.
	importText(t, data, "depots.csv", "name,lat,lon\nOnly one,50,10\n")
	importText(t, data, "others.csv", "name,lat,lon\nOther one,51,10\n")
	if g, err = openPlaces(data); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Resolve("WH-7"); err == nil {
		t.Error("what was replaced is still there")
	}
	for _, name := range []string{"Only one", "Other one"} {
		if _, err := g.Resolve(name); err != nil {
			t.Error(err)
		}
	}
	// A pack of another version is made anew from the table.
	if err := os.WriteFile(filepath.Join(data, "places", "own-depots.bin"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if g, err = openPlaces(data); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Resolve("Only one"); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	if err := distanceFrom(t.Context(), openAtlas, []string{"Only one", "Other one", "--mode", "road", "--data", data}, &out, io.Discard); err != nil || !strings.Contains(out.String(), "Only one") {
		t.Errorf("%s %v", out.String(), err)
	}
}

func TestImportUNLOCODEAndPorts(t *testing.T) {
	data := t.TempDir()
	r := importText(t, data, "2024-1 UNLOCODE CodeListPart1.csv", `,"CN",,".CHINA",,,,,,,,
,"CN","TAO","Qingdao","Qingdao","SD","AA","1-------","2407",,"3604N 12019E",
"+","CN","ZZ9","Xinjie Test","Xinjie Test","YN","RL","-23-----","2407",,"2423N 10235E",
"+","CN","ZZ8","Nowhere","Nowhere","YN","RL","-23-----","2407",,,
"+","CN","ZZ7","Wrong","Wrong","YN","RL","-23-----","2407",,"2423 10235",
`)
	if r.Loaded != 1 || r.Known != 1 || r.Skipped != 2 || len(r.Refused) != 1 || r.Refused[0].Line != 5 {
		t.Fatalf("%+v", r)
	}
	r = importText(t, data, "UpdatedPub150.csv", `Main Port Name,UN/LOCODE,Country Code,Harbor Size,Latitude,Longitude
Qingdao Gang,CN TAO,China,Large,36.08,120.31
Testhaven,,Norway,Very Small,70.55,27.4
Adrift,,,Small,0,-140
`)
	if r.Loaded != 1 || r.Known != 1 || len(r.Refused) != 1 {
		t.Fatalf("%+v", r)
	}
	g, err := openPlaces(data)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := g.Resolve("CNZZ9"); err != nil || p.Names.EN != "Xinjie Test" {
		t.Errorf("%+v, %v", p, err)
	}
	if port, ok := g.Terminal("sea:wpi-testhaven"); !ok || port.Country != "NO" || port.Tier != 3 {
		t.Errorf("%+v", port)
	}
	if found := g.Search("testhaven", 3); len(found) == 0 || found[0].Kind != geodata.KindSeaport || found[0].Own {
		t.Errorf("%+v", found)
	}
}

func TestImportPlacesRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.csv")
	for text, want := range map[string]string{"hello": "not a table", "name,lat,lon\n,1,2\n": "none of its 1 rows", "name,lat,lon\n": "no places"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		data := t.TempDir()
		err := importCommand(t.Context(), []string{"places", file, "--data", data}, nil, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
		if left, _ := os.ReadDir(filepath.Join(data, "places")); len(left) > 0 {
			t.Errorf("%q left %v", text, left)
		}
	}
}
