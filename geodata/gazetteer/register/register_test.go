package register_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"corridor/geodata"
	"corridor/geodata/gazetteer/register"
)

const locodes = `,"CN",,".CHINA",,,,,,,,
,"CN","QDG","Qingdao Port","Qingdao Port","SD","AA","1-------","2407",,"3604N 12019E",
"+","CN","ZZ9","Xīnjiē","Xinjie","YN","RL","-23-----","2407",,"2423N 10235E","made up"
"X","CN","OLD","Old Town","Old Town",,"XX","--3-----","9001",,"3000N 11000E",
"=","CN",,"Peking = Beijing","Peking = Beijing",,,,,,,
,"CN","NOP","Nowhere","Nowhere",,"RL","--3-----","2407",,,
,"DE","A B","Bad Code","Bad Code",,"RL","--3-----","2407",,"5000N 01000E",
,"DE","BC2","Bad Minutes","Bad Minutes",,"RL","--3-----","2407",,"5060N 01000E",
,"DE","BC3","Bad Degrees","Bad Degrees",,"RL","--3-----","2407",,"9100N 01000E",
,"DE","BC4",,,,"RL","--3-----","2407",,"5000N 01000E",
,"AR","BUE","Buenos Aires","Buenos Aires","C","AI","12345---","9506","BUE","3435S 05822W",
`

func TestUNLOCODE(t *testing.T) {
	table, err := register.Read(strings.NewReader(locodes))
	if err != nil {
		t.Fatal(err)
	}
	if table.Form != register.UNLOCODE || len(table.Rows) != 4 || table.Silent != 3 {
		t.Fatalf("%s: %d rows, %d silent: %+v", table.Form, len(table.Rows), table.Silent, table.Rows)
	}
	qd, xj, nop, bue := table.Rows[0], table.Rows[1], table.Rows[2], table.Rows[3]
	if qd.Code != "CNQDG" || qd.Point != (orb.Point{120.3167, 36.0667}) || qd.Functions != geodata.HasSeaport || qd.Line != 2 {
		t.Errorf("%+v", qd)
	}
	if xj.Names.EN != "Xīnjiē" || len(xj.Aliases) != 1 || xj.Functions != geodata.HasRail|geodata.HasRoad {
		t.Errorf("%+v", xj)
	}
	if nop.Located || bue.Point != (orb.Point{-58.3667, -34.5833}) || bue.IATA != "BUE" {
		t.Errorf("%+v %+v", nop, bue)
	}
	lines := map[int]string{7: "no UN/LOCODE", 8: "5060N", 9: "not on earth", 10: "no name"}
	if len(table.Refused) != len(lines) {
		t.Errorf("refused %v", table.Refused)
	}
	for _, r := range table.Refused {
		if !strings.Contains(r.Reason, lines[r.Line]) || lines[r.Line] == "" {
			t.Errorf("%v", r)
		}
	}
}

func TestUNLOCODEInTheWindowsCodePage(t *testing.T) {
	table, err := register.Read(strings.NewReader(",\"DE\",\"MUC\",\"M\xfcnchen\",\"Munchen\",\"BY\",\"AI\",\"-2345---\",\"9601\",,\"4808N 01135E\",\r\n"))
	if err != nil || len(table.Rows) != 1 || table.Rows[0].Names.EN != "München" {
		t.Errorf("%+v, %v", table, err)
	}
}

func TestWorldPortIndex(t *testing.T) {
	for _, head := range []string{
		"OID_,World Port Index Number,Region Name,Main Port Name,Alternate Port Name,UN/LOCODE,Country Code,Harbor Size,Latitude,Longitude",
		"oid,index_no,region,PORT_NAME,alternate_port_name,un_locode,country,HARBORSIZE,LATITUDE,LONGITUDE",
	} {
		table, err := register.Read(strings.NewReader(head + `
1,60410,China,Qingdao Gang,Tsingtao,CN QDG,China,Large,36.083333,120.316667
2,60411,China,Small Cove,,,China,Very Small,36.5,121.5
3,60412,China,,,,China,Small,36.5,121.5
4,60413,China,Lost,,,China,Small,north,121.5
`))
		if err != nil {
			t.Fatal(err)
		}
		if table.Form != register.WPI || len(table.Rows) != 2 || len(table.Refused) != 2 || table.Refused[1].Line != 5 {
			t.Fatalf("%+v", table)
		}
		if r := table.Rows[0]; r.Code != "CNQDG" || r.Size != 1 || r.Aliases[0] != "Tsingtao" || r.Point != (orb.Point{120.316667, 36.083333}) || r.Functions != geodata.HasSeaport {
			t.Errorf("%+v", r)
		}
	}
}

func TestOwnPlaces(t *testing.T) {
	table, err := register.Read(strings.NewReader("\xef\xbb\xbf" + register.Header + `
WH-7,Jiaozhou warehouse,胶州仓库,Склад Цзяочжоу,Depot 7|JZ7,cn,36.21,120.03,road|rail,,,1435|1520
,"Cold store, Almaty",,,,,43.3,76.9,,,,
,No coordinates,,,,,,,,,,
,Bad function,,,,,1,2,harbour,,,
,No gauge,,,,,1,2,rail,,,
,Bad country,,,,China,1,2,,,,
,Airfield,,,,KZ,43.35,77.04,airport,alx,yes,
`))
	if err != nil {
		t.Fatal(err)
	}
	if table.Form != register.Own || len(table.Rows) != 3 || len(table.Refused) != 4 {
		t.Fatalf("%+v", table)
	}
	wh := table.Rows[0]
	if wh.Code != "WH-7" || wh.Names != (geodata.Names{EN: "Jiaozhou warehouse", ZH: "胶州仓库", RU: "Склад Цзяочжоу"}) || len(wh.Aliases) != 2 || wh.Country != "CN" || len(wh.Gauges) != 2 || wh.Functions != geodata.HasRail|geodata.HasRoad {
		t.Errorf("%+v", wh)
	}
	if table.Rows[1].Names.EN != "Cold store, Almaty" || !table.Rows[2].Cargo || table.Rows[2].IATA != "ALX" {
		t.Errorf("%+v", table.Rows[1:])
	}
	// As a spreadsheet in Germany or Russia writes it.
	table, err = register.Read(strings.NewReader("name;lat;lon\nЛагерь;43,30;76,90\n"))
	if err != nil || len(table.Rows) != 1 || table.Rows[0].Point != (orb.Point{76.9, 43.3}) {
		t.Errorf("%+v, %v", table, err)
	}
}

func TestNoTable(t *testing.T) {
	for _, s := range []string{"", "hello", "a,b,c\n1,2,3\n", "name,lat\nx,1\n", "name,lat,lon,colour\nx,1,2,red\n", "\x00\x01\x02"} {
		if table, err := register.Read(strings.NewReader(s)); !errors.Is(err, register.ErrForm) {
			t.Errorf("%q: %+v, %v", s, table, err)
		}
	}
}

func TestCoordinatesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		latMin, lonMin := rapid.IntRange(-5400, 5400).Draw(t, "lat"), rapid.IntRange(-10800, 10800).Draw(t, "lon")
		p, err := register.Coordinates(written(latMin, 2, "N", "S") + " " + written(lonMin, 3, "E", "W"))
		if err != nil || math.Abs(p[1]*60-float64(latMin)) > 0.01 || math.Abs(p[0]*60-float64(lonMin)) > 0.01 {
			t.Fatalf("%d', %d' read as %v, %v", latMin, lonMin, p, err)
		}
	})
}

func written(minutes, digits int, plus, minus string) string {
	sign := plus
	if minutes < 0 {
		sign, minutes = minus, -minutes
	}
	s := "000" + itoa(minutes/60*100+minutes%60)
	return s[len(s)-digits-2:] + sign
}

func itoa(n int) string {
	s := ""
	for {
		s = string(rune('0'+n%10)) + s
		if n /= 10; n == 0 {
			for len(s) < 5 {
				s = "0" + s
			}
			return s
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(locodes))
	f.Add([]byte(register.Header + "\nWH-7,X,,,,cn,36.21,120.03,road|rail,,,1435\n"))
	f.Add([]byte("Main Port Name,Latitude,Longitude\nX,1,2\n\"broken"))
	f.Add([]byte("name;lat;lon\nЛ;43,30;76,90\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		table, err := register.Read(strings.NewReader(string(raw)))
		if err != nil {
			return
		}
		for _, r := range table.Rows {
			if r.Names.EN == "" || r.Line < 1 || !(math.Abs(r.Point[0]) <= 180) || !(math.Abs(r.Point[1]) <= 90) {
				t.Errorf("%+v", r)
			}
			if table.Form == register.UNLOCODE && !register.IsLocode(r.Code) {
				t.Errorf("code %q", r.Code)
			}
		}
		for _, r := range table.Refused {
			if r.Line < 1 || r.Reason == "" {
				t.Errorf("%+v", r)
			}
		}
	})
}
