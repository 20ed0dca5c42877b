package border_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"corridor/geodata"
	"corridor/geodata/border"
)

var someIDs = []string{"KHO-NUR", "PET"}

func TestReadStatuses(t *testing.T) {
	text := border.StatusHeader + `
kho-nur,Congested,48,120,2026-11-01,2026-12-01T08:00:00+05:00,2026-11-20,our agent at Khorgos
PET,closed,,,,,2026-11,KazAuto notice
NOPE,closed,,,,,2026-11,x
PET,shut,,,,,2026-11,x
PET,congested,9,3,,,2026-11,x
PET,closed,,,2026-12-01,2026-11-01,2026-11,x
PET,closed,,,soon,,2026-11,x
PET,closed,,,,,yesterday,x
PET,closed,,,,,2026-11,
PET,closed
`
	got, bad, err := border.ReadStatuses(strings.NewReader(text), someIDs)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Post != "KHO-NUR" || got[0].Regime != "congested" || *got[0].Dwell != (geodata.Dwell{P50: 48, P90: 120}) || got[1].Dwell != nil {
		t.Errorf("read %+v", got)
	}
	for at, want := range map[string]bool{
		"2026-10-31T23:59:59Z": false, "2026-11-01T00:00:00Z": true, "2026-12-01T02:59:59Z": true, "2026-12-01T03:00:00Z": false,
	} {
		moment, _ := time.Parse(time.RFC3339, at)
		if got[0].At(moment) != want {
			t.Errorf("at %s it holds: %v, want %v", at, !want, want)
		}
	}
	if !got[1].At(time.Time{}.AddDate(3000, 0, 0)) {
		t.Error("a status without dates does not hold")
	}
	want := []string{"no border post", "regime", "dwell", "until", "from", "as_of", "source", "columns"}
	if len(bad) != len(want) {
		t.Fatalf("refused %+v", bad)
	}
	for i, b := range bad {
		if b.Line != i+4 || !strings.Contains(b.Reason, want[i]) {
			t.Errorf("line %d refused for %q, want line %d for %q", b.Line, b.Reason, i+4, want[i])
		}
	}
	if _, _, err := border.ReadStatuses(strings.NewReader("id,regime\n"), someIDs); err == nil {
		t.Error("another table is read")
	}
}

func FuzzReadStatuses(f *testing.F) {
	f.Add(border.StatusHeader + "\nPET,closed,,,2026-01-01,,2026-11,agent\nKHO-NUR,normal,1,2,,,2026,\"a, b\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, _, err := border.ReadStatuses(strings.NewReader(text), someIDs)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := border.WriteStatuses(&b, got); err != nil {
			t.Fatal(err)
		}
		again, bad, err := border.ReadStatuses(&b, someIDs)
		if err != nil || len(bad) > 0 || len(again) != len(got) {
			t.Fatalf("written and read again: %v, %+v", err, bad)
		}
		for i := range got {
			if again[i].Post != got[i].Post || again[i].Regime != got[i].Regime || !reflect.DeepEqual(again[i].Dwell, got[i].Dwell) || again[i].Source != got[i].Source {
				t.Fatalf("wrote %+v, read %+v", got[i], again[i])
			}
		}
	})
}
