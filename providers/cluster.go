package providers

// Cluster stands for several POIs that lie too close together to be drawn at
// one zoom.
type Cluster struct {
	ID            string
	Location      Point // the mean position on Web Mercator
	Count         int
	Bounds        Bounds // of the positions it stands for
	ExpansionZoom int    // the zoom at which it comes apart
	MaxPowerKW    *float64
}
