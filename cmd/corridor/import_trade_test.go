package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/routing"
	"corridor/routing/tariff"
	"corridor/routing/timetable"
)

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func importAs(t *testing.T, data, kind, file string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := importCommand(t.Context(), []string{kind, file, "--data", data}, nil, &out, io.Discard)
	return out.String(), err
}

func TestImportSchedules(t *testing.T) {
	data := t.TempDir()
	csv := writeFile(t, "osaka.csv", "mode,from,to,name,carrier,departure,arrival,via\n"+
		"sea,CNTAO,JPOSA,Blue Express,Acme,2026-12-02T18:00:00+08:00,2026-12-04T08:00:00+09:00,express\n"+
		"sea,CNTAO,XXNIL,Blue Express,Acme,2026-12-02T18:00:00+08:00,2026-12-04T08:00:00+09:00,\n")
	ssim := writeFile(t, "winter.ssim", "2LCK"+strings.Repeat(" ", 196)+"\n"+
		"3 CK 02130101F01DEC2631DEC26 2  5   TAO01300130+0800  LGG06150615+0100  77X"+strings.Repeat(" ", 117)+"00      \n")
	dcsa := writeFile(t, "dcsa.json", `[{"legs":[{"transport":{"modeOfTransport":"VESSEL"},"departure":{"location":{"UNLocationCode":"CNTAO"},"dateTime":"2026-12-04T18:00:00+08:00"},
		"arrival":{"location":{"UNLocationCode":"KRINC"},"dateTime":"2026-12-05T18:00:00+09:00"}}]}]`)
	for file, says := range map[string]string{csv: "line 3", ssim: "1 services from ssim", dcsa: "1 services from dcsa"} {
		if out, err := importAs(t, data, "services", file); err != nil || !strings.Contains(out, says) {
			t.Errorf("%s: %v\n%s, want %q", file, err, out, says)
		}
	}
	times, err := openTimes(data)
	if err != nil {
		t.Fatal(err)
	}
	if times.Count() != 3 || len(times.Data()) != 4 {
		t.Errorf("%d services, data %+v", times.Count(), times.Data())
	}
	stop := func(id, place string, c geodata.Country) timetable.Stop {
		return timetable.Stop{ID: id, Place: place, Country: c}
	}
	found := times.Find(geodata.Air, stop("air:TAO", "", "CN"), stop("air:LGG", "", "BE"))
	if len(found) == 0 || found[0].TransitH != 11.75 || found[0].Rhythm.Next(time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)).Day() != 3 {
		t.Errorf("%+v", found)
	}
	// Importing again replaces, a file that is none leaves what is there.
	again := writeFile(t, "osaka.csv", "mode,from,to,rhythm,transit_h\nsea,CNTAO,JPOSA,weekly Mon 10:00,30\nsea,CNTAO,JPUKB,weekly Mon 10:00,34\n")
	if _, err := importAs(t, data, "services", again); err != nil {
		t.Fatal(err)
	}
	if times, err := openTimes(data); err != nil || times.Count() != 4 {
		t.Errorf("%v services, %v", times, err)
	}
	for _, bad := range []string{"mode,from,to,rhythm\n", "colour\nred\n", "mode,from,to,rhythm,transit_h\nsea,CNTAO,XXNIL,every 24h,30\n"} {
		if _, err := importAs(t, data, "services", writeFile(t, "osaka.csv", bad)); err == nil {
			t.Errorf("%q is imported", bad)
		}
	}
	if times, err := openTimes(data); err != nil || times.Count() != 4 {
		t.Errorf("after bad imports: %v services, %v", times, err)
	}
}

func TestImportTariffsAndExchangeRates(t *testing.T) {
	data := t.TempDir()
	const head = "carrier,mode,from,to,unit,price,currency,per,valid_from,valid_until\n"
	first := head + "Acme,sea,CNTAO,JPOSA,40HC,480,VND,unit,2026-11-01,2026-12-31\nAcme,sea,CNTAO,KRINC,40HC,480,USD,unit,2026-11-01,2026-12-31\n"
	out, err := importAs(t, data, "tariffs", writeFile(t, "acme.csv", first))
	if err != nil || !strings.Contains(out, "1 prices") || !strings.Contains(out, `line 2: currency: no exchange rate for "VND"`) {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := importAs(t, data, "fx", writeFile(t, "rates.csv", "currency,usd,as_of,source\nVND,0.5,2026-11-24,bank\n")); err != nil || !strings.Contains(out, "1 exchange rates") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := importAs(t, data, "tariffs", writeFile(t, "acme.csv", first)); err != nil || !strings.Contains(out, "2 prices") {
		t.Fatalf("with the currency known: %v\n%s", err, out)
	}
	lane := tariff.Lane{
		Mode: geodata.Sea, From: timetable.Stop{Place: "CNTAO", Country: "CN"}, To: timetable.Stop{Place: "JPOSA", Country: "JP"},
		On: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
	}
	goods := tariff.Goods{Unit: routing.HC40, WeightKG: 10_000}
	rates, err := openRates(data, "")
	if err != nil {
		t.Fatal(err)
	}
	if items, ok := rates.Haul(goods, lane); !ok || rates.Sum(items) != 240 {
		t.Errorf("480 VND at 0.5 are %v", rates.Sum(items))
	}
	overlapping := head + "Acme,sea,CNTAO,JPOSA,40HC,490,USD,unit,2026-12-01,2026-12-31\n"
	if _, err := importAs(t, data, "tariffs", writeFile(t, "acme-new.csv", overlapping)); err == nil || !strings.Contains(err.Error(), "line 2 of acme-new.csv and line 2 of acme.csv") {
		t.Errorf("another sheet with the same lane: %v", err)
	}
	both := overlapping + "Acme,sea,CNTAO,JPOSA,40HC,495,USD,unit,2026-12-15,2027-12-31\nAcme,sea,CNTAO,KRINC,40HC,500,USD,unit,2026-12-15,2027-12-31\n"
	out, err = importAs(t, data, "tariffs", writeFile(t, "acme.csv", both))
	if err != nil || !strings.Contains(out, "line 2: overlaps line 3") || !strings.Contains(out, "line 3: overlaps line 2") {
		t.Errorf("overlaps: %v\n%s", err, out)
	}
	if old, err := filepath.Glob(filepath.Join(data, tariffsDir, oldSheets, "acme@*.csv")); err != nil || len(old) != 1 {
		t.Errorf("earlier versions %v %v", old, err)
	}
	for kind, bad := range map[string]string{"tariffs": head, "fx": "currency,usd\nEUR,1\n"} {
		if _, err := importAs(t, data, kind, writeFile(t, "bad.csv", bad)); err == nil {
			t.Errorf("%s: %q is imported", kind, bad)
		}
	}
}
