// Package duration holds time spans as distributions: lognormal spans from their
// P50 and P90, waits for a service of known rhythm, and their sums.
//
// A Dist is a set of chances on a grid of whole hours, or of 2, 4, 8 … hours where
// a span may vary over weeks: a few hundred chances tell it as well. Sums are exact
// on their grid (discrete convolution), so quantiles and the chance to meet a
// deadline come from one and the same distribution, need no random numbers and
// repeat to the bit. It is not for spans shorter than an hour or longer than two
// years.
package duration

import (
	"math"

	"corridor/geodata"
	"corridor/routing"
)

// z90 is the 90 % quantile of the standard normal distribution.
const z90 = 1.2815515655446004

// tail is the chance cut off at each end of a distribution to keep it short.
const tail = 2e-5

// maxHours bounds every distribution; what lies beyond is counted there.
const maxHours = 2 * 366 * 24

// Dist is the distribution of a time span. The zero value is a span of zero
// hours. A Dist is immutable: every method returns a new one.
type Dist struct {
	first int       // steps of p[0]
	step  int       // hours, a power of two; 0 means 1
	p     []float64 // chances that sum to 1; nil means certainly zero
	early float64   // hours from P10 to P50, about: what the step is small against
}

// A grid is made coarser when it has more than mostChances, while its step stays
// below an eighth of the way from P10 to P50: a P50 of a sum is then within 0.1 % of
// that on a grid of hours, a P10 or P90 within 0.5 %.
const (
	mostChances = 96
	finest      = 8
)

func (d Dist) hours() int { return max(1, d.step) }

// grid is the step for so many hours of a span.
func grid(hours int, early float64) int {
	step := 1
	for hours > step*mostChances && float64(2*step*finest) <= early {
		step *= 2
	}
	return step
}

// coarser is the distribution on a grid with longer steps. What lies between two
// of them goes to both so that the mean stays.
func (d Dist) coarser(step int) Dist {
	r := step / d.hours()
	if r <= 1 || d.p == nil {
		return d
	}
	lo, hi := d.first/r, (d.first+len(d.p)-1)/r+1
	out := make([]float64, hi-lo+1)
	for i, p := range d.p {
		at := d.first + i
		k, rest := at/r-lo, at%r
		share := p * float64(rest) / float64(r)
		out[k] += p - share
		out[k+1] += share
	}
	return Dist{lo, step, out, d.early}.trim()
}

// Fixed is a span that does not vary, rounded to whole hours.
func Fixed(hours float64) Dist {
	if !(hours > 0) {
		return Dist{}
	}
	return Dist{first: int(math.Min(maxHours, math.Round(hours))), step: 1, p: []float64{1}}
}

// Lognormal is the span whose median is p50 and of which one in ten is longer
// than p90. A p90 that is not above p50 gives a fixed span.
func Lognormal(p50, p90 float64) Dist {
	if !(p50 > 0) {
		return Dist{}
	}
	if !(p90 > p50) {
		return Fixed(p50)
	}
	mu, sigma := Parameters(p50, p90)
	lo := math.Exp(mu - 4.1*sigma) // 4.1 sigma: the tail above
	hi := math.Exp(mu + 4.1*sigma)
	hi = math.Min(maxHours, hi)
	early := p50 * (1 - p50/p90)
	step := grid(int(2*(hi-lo)), early)
	size := float64(step)
	first, last := int(math.Round(lo/size)), int(math.Round(hi/size))
	p := make([]float64, last-first+1)
	before := 0.0
	for i := range p {
		c := 1.0
		if i < len(p)-1 {
			c = normal((math.Log((float64(first+i)+0.5)*size) - mu) / sigma)
		}
		p[i] = c - before
		before = c
	}
	thin(p, int(math.Exp(mu+thinFrom*sigma)/size)-first)
	return Dist{first, step, p, early}.trim()
}

// thinFrom is where the long tail begins, in deviations: three in a hundred lie
// beyond. There one chance stands for thinBy steps, which makes sums much quicker.
const (
	thinFrom = 1.9
	thinBy   = 6
)

func thin(p []float64, from int) {
	for i := max(0, from); i+thinBy <= len(p); i += thinBy {
		sum, mean := 0.0, 0.0
		for k, c := range p[i : i+thinBy] {
			sum += c
			mean += c * float64(k)
			p[i+k] = 0
		}
		if sum > 0 {
			p[i+int(math.Round(mean/sum))] = sum
		}
	}
}

// filled counts the chances that are not zero.
func filled(p []float64) int {
	n := 0
	for _, c := range p {
		if c != 0 {
			n++
		}
	}
	return n
}

// FromDwell is the lognormal span of a dwell.
func FromDwell(d geodata.Dwell) Dist { return Lognormal(d.P50, d.P90) }

// Parameters are mu and sigma of the lognormal distribution with these quantiles.
func Parameters(p50, p90 float64) (mu, sigma float64) {
	if !(p50 > 0) {
		return math.Inf(-1), 0
	}
	if !(p90 > p50) {
		return math.Log(p50), 0
	}
	return math.Log(p50), math.Log(p90/p50) / z90
}

// MeanVar are mean (hours) and variance (hours²) of the lognormal span.
func MeanVar(p50, p90 float64) (mean, variance float64) {
	if !(p50 > 0) {
		return 0, 0
	}
	mu, sigma := Parameters(p50, p90)
	mean = math.Exp(mu + sigma*sigma/2)
	return mean, mean * mean * math.Expm1(sigma*sigma)
}

// Uniform is the wait for a service that leaves every so many hours at moments
// nobody knows beforehand: any wait up to the headway is equally likely.
func Uniform(hours float64) Dist {
	n := int(math.Round(math.Min(maxHours, hours)))
	if n < 1 {
		return Dist{}
	}
	p := make([]float64, n)
	for i := range p {
		p[i] = 1 / float64(n)
	}
	return Dist{0, 1, p, 0.4 * hours}
}

func normal(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }

// Plus is the sum of two independent spans.
func (d Dist) Plus(e Dist) Dist {
	if d.p == nil {
		return e
	}
	if e.p == nil {
		return d
	}
	early := math.Hypot(d.early, e.early)
	step := max(d.hours(), e.hours(), grid(len(d.p)*d.hours()+len(e.p)*e.hours(), early))
	d, e = d.coarser(step), e.coarser(step)
	long, short := d.p, e.p
	if filled(short) > filled(long) {
		long, short = short, long
	}
	out := make([]float64, len(long)+len(short)-1)
	convolve(out, long, short)
	return Dist{d.first + e.first, step, out, early}.trim()
}

// convolve adds the convolution of two sequences to out. Four chances of the short
// one are taken at a time where all of them count, so that out is read and written
// a quarter as often; in a thin tail most of them are zero.
func convolve(out, long, short []float64) {
	n := len(long)
	for i := 0; i < len(short); i++ {
		if i+4 <= len(short) && n > 3 && short[i] != 0 && short[i+1] != 0 && short[i+2] != 0 && short[i+3] != 0 {
			a, b, c, d := short[i], short[i+1], short[i+2], short[i+3]
			row := out[i : i+n+3]
			row[0] += a * long[0]
			row[1] += a*long[1] + b*long[0]
			row[2] += a*long[2] + b*long[1] + c*long[0]
			z, y, x := long[0], long[1], long[2]
			rest := row[3:n]
			for j, w := range long[3:] {
				rest[j] += a*w + b*x + c*y + d*z
				z, y, x = y, x, w
			}
			row[n] += b*x + c*y + d*z
			row[n+1] += c*x + d*y
			row[n+2] += d * x
			i += 3
			continue
		}
		if a := short[i]; a != 0 {
			row := out[i : i+n]
			for j, b := range long {
				row[j] += a * b
			}
		}
	}
}

// Sum adds independent spans.
func Sum(parts ...Dist) Dist {
	var d Dist
	for _, p := range parts {
		d = d.Plus(p)
	}
	return d
}

// Then moves every possible end of the span to a later hour: f gives for the
// hour at which something is ready the hour at which it goes on, e.g. with the
// next departure. An f that goes back in time is held at the hour itself.
func (d Dist) Then(f func(hour int) int) Dist {
	if d.p == nil {
		d = Dist{step: 1, p: []float64{1}}
	}
	size := d.hours()
	lo := max(0, d.first*size-size/2)
	from := lo
	to := make([]int, (d.first+len(d.p)-1)*size+size/2-lo+1) // by hour from lo
	hi := 0
	lo = math.MaxInt
	for i := range to {
		to[i] = min(max(from+i, f(from+i)), maxHours)
		lo, hi = min(lo, to[i]), max(hi, to[i])
	}
	out := make([]float64, hi-lo+1)
	for i, p := range d.p {
		if p == 0 {
			continue
		}
		at := (d.first+i)*size - from
		if size == 1 {
			out[to[at]-lo] += p
			continue
		}
		// A step of several hours is spread over them, half of one at each end.
		share := p / float64(size)
		for k := -size / 2; k <= size/2; k++ {
			w := share
			if k == -size/2 || k == size/2 {
				w /= 2
			}
			out[to[max(0, at+k)]-lo] += w
		}
	}
	on := Dist{first: lo, step: 1, p: out}.trim()
	on.early = on.Quantile(0.5) - on.Quantile(0.1)
	return on
}

// trim cuts both ends where next to nothing is left and makes the rest sum to 1.
func (d Dist) trim() Dist {
	lo, hi := 0, len(d.p)
	for sum := 0.0; lo < hi-1 && sum+d.p[lo] < tail; lo++ {
		sum += d.p[lo]
	}
	for sum := 0.0; hi > lo+1 && sum+d.p[hi-1] < tail; hi-- {
		sum += d.p[hi-1]
	}
	out := d.p[lo:hi]
	total := 0.0
	for _, p := range out {
		total += p
	}
	for i := range out {
		out[i] /= total
	}
	return Dist{d.first + lo, d.step, out, d.early}
}

// Quantile is the span that is not exceeded with chance q, in hours. Within one
// step of the grid the chance is spread evenly, so the answer is not a whole
// number. It never decreases with q.
func (d Dist) Quantile(q float64) float64 {
	if d.p == nil {
		return 0
	}
	if len(d.p) == 1 {
		return float64(d.first * d.hours())
	}
	size := float64(d.hours())
	sum := 0.0
	for i, p := range d.p {
		if p > 0 && sum+p >= q {
			return math.Max(0, size*(float64(d.first+i)-0.5+(q-sum)/p))
		}
		sum += p
	}
	return size * (float64(d.first+len(d.p)-1) + 0.5)
}

// Chance is the chance that the span is not longer than the hours given.
func (d Dist) Chance(hours float64) float64 {
	if d.p == nil || len(d.p) == 1 {
		if float64(d.first*d.hours()) <= hours {
			return 1
		}
		return 0
	}
	sum := 0.0
	hours /= float64(d.hours())
	for i, p := range d.p {
		lower := float64(d.first+i) - 0.5
		if hours < lower+1 {
			if hours > lower {
				sum += p * (hours - lower)
			}
			return math.Min(1, sum)
		}
		sum += p
	}
	return 1
}

// Mean is the expected span in hours.
func (d Dist) Mean() float64 {
	m := 0.0
	for i, p := range d.p {
		m += p * float64((d.first+i)*d.hours())
	}
	return m
}

// Var is the variance in hours².
func (d Dist) Var() float64 {
	mean, v := d.Mean(), 0.0
	for i, p := range d.p {
		x := float64((d.first+i)*d.hours()) - mean
		v += p * x * x
	}
	return v
}

// Hours are the quantiles the product shows.
func (d Dist) Hours() routing.Hours {
	round := func(q float64) float64 { return math.Round(d.Quantile(q)*10) / 10 }
	return routing.Hours{P10: round(0.10), P50: round(0.50), P80: round(0.80), P90: round(0.90), P95: round(0.95)}
}
