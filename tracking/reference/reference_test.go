package reference_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"corridor/tracking/reference"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		kind reference.Kind
		in   string
		want string // empty: refused
		says string
	}{
		{reference.Container, "CSQU3054383", "CSQU3054383", ""}, // the example of ISO 6346
		{reference.Container, "csqu 305438-3", "CSQU3054383", ""},
		{reference.Container, "CSQU3054384", "", "would be 3"},
		{reference.Container, "TEXU3070079", "TEXU3070079", ""},
		{reference.Container, "CSQX3054383", "", "three letters"},
		{reference.Container, "CSQU305438", "", "seven digits"},
		{reference.Vessel, "IMO 9074729", "9074729", ""},
		{reference.Vessel, "9074728", "", "would be 9"},
		{reference.Vessel, "907472", "", "seven digits"},
		{reference.Wagon, "21 81 2471 217-3", "218124712173", ""},
		{reference.Wagon, "218124712174", "", "would be 3"},
		{reference.Wagon, "52491677", "52491677", ""},
		{reference.Wagon, "52491667", "", "check digit"},
		{reference.Wagon, "5249167", "", "twelve digits"},
		{reference.AWB, "020-1234 5675", "020-12345675", ""},
		{reference.AWB, "02012345676", "", "would be 5"},
		{reference.TIRCarnet, "XB25000001", "XB25000001", ""},
		{reference.TIRCarnet, "xn.84120937", "XN84120937", ""},
		{reference.TIRCarnet, "X84120937", "", "two letters"},
		{reference.MMSI, "412345678", "412345678", ""},
		{reference.MMSI, "912345678", "", "begins with 2 to 7"},
		{reference.BillOfLading, "COSU 6312345670", "COSU6312345670", ""},
		{reference.CMR, "RU-2026/118", "RU-2026/118", ""},
		{reference.CMR, "накладная", "", "letters A to Z"},
		{reference.Plate, "  鲁b  K7723 ", "鲁B K7723", ""},
		{reference.Order, "PO 20931", "PO 20931", ""},
		{reference.Order, strings.Repeat("9", 65), "", "at most 64"},
		{reference.Order, "a\x00b", "", "printed"},
		{reference.Order, "a\xffb", "", "UTF-8"},
		{reference.Order, " ", "", "missing"},
		{"phone", "1", "", "use one of bl, cmr"},
	} {
		got, err := reference.Parse(c.kind, c.in)
		var refused *reference.Error
		switch {
		case c.want != "" && (err != nil || got != c.want):
			t.Errorf("%s %q: %q, %v; want %q", c.kind, c.in, got, err, c.want)
		case c.want == "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s %q: %q, %v; want a refusal that says %q", c.kind, c.in, got, err, c.says)
		}
	}
}

// Wagons and containers promise that one wrong digit shows; the sums of ships and
// air waybills let some through.
func TestOneWrongDigitIsFound(t *testing.T) {
	for kind, good := range map[reference.Kind]string{reference.Wagon: "218124712173", reference.Container: "CSQU3054383"} {
		for i := range good {
			for d := byte('0'); d <= '9' && good[i] >= '0' && good[i] <= '9'; d++ {
				if bad := good[:i] + string(d) + good[i+1:]; bad != good {
					if _, err := reference.Parse(kind, bad); err == nil {
						t.Errorf("%s %s passes", kind, bad)
					}
				}
			}
		}
	}
}

func TestWhatWasFiledIsFoundAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(reference.Kinds()).Draw(t, "kind")
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-z]{0,4}[0-9 .\-]{5,14}`)).Draw(t, "text")
		filed, err := reference.Parse(kind, text)
		if err != nil {
			return
		}
		if again, err := reference.Parse(kind, filed); err != nil || again != filed {
			t.Fatalf("%s %q is filed as %q, which parses to %q, %v", kind, text, filed, again, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"CSQU3054383", "IMO9074729", "020-12345675", "218124712173", "鲁B·K7723", "\xff"} {
		f.Add("container", s)
		f.Add("plate", s)
	}
	f.Fuzz(func(t *testing.T, kind, text string) {
		if out, err := reference.Parse(reference.Kind(kind), text); err == nil && out == "" {
			t.Fatalf("%s %q is filed as nothing", kind, text)
		}
	})
}

func ExampleParse() {
	fmt.Println(reference.Parse(reference.Container, "csqu 305438-3"))
	_, err := reference.Parse(reference.Container, "CSQU3054384")
	fmt.Println(err)
	// Output:
	// CSQU3054383 <nil>
	// container "CSQU3054384": its check digit would be 3, not 4: a digit is wrong, or two are swapped
}
