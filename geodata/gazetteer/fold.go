package gazetteer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// fold reduces a name to what people agree on when they type it: lower case, no
// accents, no apostrophes, punctuation as single spaces, "saint" as "st".
func fold(s string) string {
	if s == "" {
		return ""
	}
	var b strings.Builder
	b.Grow(len(s))
	ascii := true
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if !ascii {
		s = norm.NFKD.String(s)
	}
	space := false
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
		case r >= 'A' && r <= 'Z':
			r += 'a' - 'A'
		case r == '\'' || r == '`' || r == '’' || r == '‘' || r == 'ʻ' || r == 'ʼ' || r == '´' || r == 'ь' || r == 'ъ':
			continue
		case r < utf8.RuneSelf:
			space = true
			continue
		case unicode.Is(unicode.Mn, r):
			continue
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			space = true
			continue
		default:
			r = unicode.ToLower(r)
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		switch r {
		case 'ł':
			b.WriteByte('l')
		case 'ø':
			b.WriteByte('o')
		case 'đ', 'ð':
			b.WriteByte('d')
		case 'ı':
			b.WriteByte('i')
		case 'ə':
			b.WriteByte('e')
		case 'ß':
			b.WriteString("ss")
		case 'æ':
			b.WriteString("ae")
		case 'œ':
			b.WriteString("oe")
		case 'þ':
			b.WriteString("th")
		default:
			b.WriteRune(r)
		}
	}
	return saint(b.String())
}

func saint(s string) string {
	if !strings.Contains(s, "saint ") {
		return s
	}
	if strings.HasPrefix(s, "saint ") {
		s = "st " + s[len("saint "):]
	}
	return strings.ReplaceAll(s, " saint ", " st ")
}

// compact is a folded name without its spaces: "hongkong" and "qing dao" are typed
// as well. Names are sorted and found in this form.
func compact(folded string) string { return strings.ReplaceAll(folded, " ", "") }

// keyOf is what a name is indexed under.
func keyOf(s string) string { return compact(fold(s)) }

// Fold is how names are compared, for whoever builds the data.
func Fold(s string) string { return fold(s) }
