package providers

import ("math";"math/rand";"testing")

func TestZZ(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	hav := func(a, b Point) float64 { return a.DistanceM(b) }
	for _, maxD := range []float64{1000, 5000, 50000, 55000} {
	for _, lat0 := range []float64{0, 50, 70, 80, 85, 88} {
	worst := 0.0; var wd, wt float64
	for n := 0; n < 20000; n++ {
		a := Point{lat0 + rng.Float64()*0.2-0.1, 0}
		ang := rng.Float64()*2*math.Pi
		b := Point{a.Lat + 0.1*math.Sin(ang), 0.1*math.Cos(ang)}
		if rng.Intn(2)==0 { b = Point{a.Lat, 0.1} }
		d := rng.Float64()*maxD
		dir := rng.Float64()*2*math.Pi
		p := Point{a.Lat + deg(d/EarthRadiusM)*math.Sin(dir), a.Lon + deg(d/EarthRadiusM)*math.Cos(dir)/math.Cos(rad(a.Lat))}
		_, got := nearestOnPiece(p, a, b)
		// golden
		at := func(t float64) float64 { return hav(p, Point{a.Lat+t*(b.Lat-a.Lat), a.Lon+t*(b.Lon-a.Lon)}) }
		best, bt := math.Inf(1), 0.0
		for i := 0; i <= 20; i++ { if v := at(float64(i)/20); v < best { best, bt = v, float64(i)/20 } }
		lo, hi := math.Max(0, bt-0.05), math.Min(1, bt+0.05)
		for i := 0; i < 60; i++ { m1, m2 := lo+(hi-lo)/3, hi-(hi-lo)/3; if at(m1) < at(m2) { hi = m2 } else { lo = m1 } }
		best = math.Min(best, at(lo))
		if best > maxD { continue }
		if got-best > worst { worst = got-best; wd = best; wt = bt }
	}
	t.Logf("maxD %v lat %v worst error %.4f m at %.0f (t=%.2f)", maxD, lat0, worst, wd, wt)
	}}
}
