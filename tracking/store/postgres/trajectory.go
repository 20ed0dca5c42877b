package postgres

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"corridor/geodata/track"
	"corridor/tracking/store/chunk"
)

// Where the database has PostGIS, each sealed chunk is kept as a trajectory, too, for
// other programs: geometry(LineStringM, 4326) with the device time in Unix seconds as
// M. A reader wants the view track, which has the names. The newest fixes of a unit,
// fewer than history.SealAt, and what waits in the tail are not there yet.
const trajectorySchema = `
CREATE TABLE IF NOT EXISTS trajectory (
	unit  bigint NOT NULL,
	start bigint NOT NULL,
	line  geometry(LineStringM, 4326) NOT NULL,
	PRIMARY KEY (unit, start),
	FOREIGN KEY (unit, start) REFERENCES sealed ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS trajectory_line ON trajectory USING gist (line);
CREATE OR REPLACE VIEW track AS
	SELECT unit.unit, unit.carrier, to_timestamp(sealed.start) AS "from", to_timestamp(sealed."end") AS "to", trajectory.line
	FROM trajectory JOIN sealed USING (unit, start) JOIN unit ON unit.id = sealed.unit;
`

// traceAtOnce is how many chunks are turned into lines in one go.
const traceAtOnce = 500

// openTrajectories makes the table where PostGIS is within reach of the search path,
// and fills in what is missing.
func (db *DB) openTrajectories(ctx context.Context) error {
	err := db.begin(ctx, func(tx pgx.Tx, _ place) error {
		var there, made bool
		if err := tx.QueryRow(ctx, "SELECT to_regtype('geometry') IS NOT NULL, to_regclass('trajectory') IS NOT NULL").Scan(&there, &made); err != nil {
			return err
		}
		if !there {
			return nil
		}
		if !made {
			if _, err := tx.Exec(ctx, trajectorySchema); err != nil {
				return err
			}
		}
		db.traces = true
		return db.trace(ctx, tx, nil, math.MinInt64)
	})
	if err != nil {
		return fmt.Errorf("keep trajectories in PostGIS: %w", err)
	}
	return nil
}

// trace makes the lines that are missing of the units, or of all when they are nil,
// in chunks that start at a second or later.
func (db *DB) trace(ctx context.Context, tx pgx.Tx, units []int64, since int64) error {
	if !db.traces {
		return nil
	}
	for {
		rows, err := tx.Query(ctx, `SELECT unit, start, body FROM sealed s WHERE ($1::bigint[] IS NULL OR unit = ANY($1)) AND start >= $2 AND n > 1
			AND NOT EXISTS (SELECT 1 FROM trajectory t WHERE t.unit = s.unit AND t.start = s.start) LIMIT $3`, units, since, traceAtOnce)
		if err != nil {
			return err
		}
		var made struct {
			unit, start []int64
			line        [][]byte
		}
		var unit, start int64
		var body []byte
		var held []chunk.Row
		var points []track.Point
		if _, err := pgx.ForEachRow(rows, []any{&unit, &start, &body}, func() error {
			var err error
			if held, err = chunk.Decode(held[:0], body); err != nil {
				return fmt.Errorf("unit number %d at %d: %w", unit, start, err)
			}
			points = points[:0]
			for i := range held {
				f := held[i].Fix("")
				points = append(points, track.Point{Point: orb.Point{f.Lon, f.Lat}, Time: f.Time})
			}
			line, err := track.EWKB(points)
			if err != nil {
				return fmt.Errorf("unit number %d at %d: %w", unit, start, err)
			}
			made.unit, made.start, made.line = append(made.unit, unit), append(made.start, start), append(made.line, line)
			return nil
		}); err != nil {
			return err
		}
		if len(made.unit) == 0 {
			return nil
		}
		if _, err := tx.Exec(ctx, `INSERT INTO trajectory SELECT u, s, ST_GeomFromEWKB(l) FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS made(u, s, l)`,
			made.unit, made.start, made.line); err != nil {
			return err
		}
		if len(made.unit) < traceAtOnce {
			return nil
		}
	}
}
