package live_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"corridor/tracking"
	"corridor/tracking/poslog/logtest"
	"corridor/tracking/store/memory"
)

// BenchmarkCluster stores batches of 100 from 8 senders spread over one and over two
// trackers on three NATS servers, everything on this machine. What a second process
// costs is the difference in processor time: it folds what the other takes. What it
// brings is another machine's cores.
func BenchmarkCluster(b *testing.B) {
	for _, processes := range []int{1, 2} {
		b.Run(fmt.Sprintf("processes=%d", processes), func(b *testing.B) {
			const senders, size = 8, 100
			c := logtest.StartCluster(b)
			store := noHistory{memory.New()}
			var members []*member
			for range processes {
				members = append(members, join(b, c, store))
			}
			p, err := members[0].CreateParty(b.Context(), "Carrier", tracking.Carrier)
			if err != nil {
				b.Fatal(err)
			}
			for _, m := range members {
				c.Await("carrier", func() bool { _, ok := m.Party(p.ID); return ok })
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			begin := clock0.Add(-1000 * 24 * time.Hour)
			before := processorTime()
			b.ResetTimer()
			var wg sync.WaitGroup
			for s := range senders {
				wg.Go(func() {
					m := members[s%processes]
					batch := make([]tracking.Position, size)
					for n := 0; left.Add(-1) >= 0; n++ {
						for i := range batch {
							batch[i] = tracking.Position{
								Unit: tracking.UnitID(fmt.Sprintf("TRK-%d-%03d", s, i)), Time: begin.Add(time.Duration(n) * time.Second),
								Lat: 50 + float64(i)/100 + float64(n%5000)/10000, Lon: 10 + float64(s), SpeedKMH: tracking.Known(62.5), CourseDeg: tracking.Known(271),
							}
						}
						r, err := m.Accept(b.Context(), p.ID, batch, tracking.AcceptOptions{})
						if err != nil || r.Stored != size {
							b.Errorf("%+v, %v", r, err)
							return
						}
					}
				})
			}
			wg.Wait()
			for _, m := range members { // what the other took is folded here too
				for m.Seq() < members[0].Seq() {
					time.Sleep(time.Millisecond)
				}
			}
			b.StopTimer()
			n := float64(b.N) * size
			b.ReportMetric(n/b.Elapsed().Seconds(), "positions/s")
			b.ReportMetric(float64((processorTime()-before).Nanoseconds())/n/1e3, "cpu-µs/position")
		})
	}
}

// noHistory is a store that keeps everything but fixes: what a database does with
// them is measured where the databases are.
type noHistory struct{ *memory.Store }

func (s noHistory) Apply(ctx context.Context, c tracking.Changes) error {
	c.Fixes = nil
	return s.Store.Apply(ctx, c)
}

func processorTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
