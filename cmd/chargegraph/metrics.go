package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"chargegraph/loaders"
	"chargegraph/loaders/cache"
	"chargegraph/providers"
	"chargegraph/providers/checkins"
	"chargegraph/server"
)

// metrics are what an operator can read about the program. They outlive
// reloads: what is read from a service is read from the current one.
type metrics struct {
	registry *prometheus.Registry
	all      []prometheus.Collector
	server   *server.Metrics
	calls    *callMetrics
	service  atomic.Pointer[watched]
	checkIns atomic.Pointer[checkins.Counts]
	keeps    bool        // there is a store of check-ins
	unkept   atomic.Bool // which cannot be written
}

// watched is the service that is read.
type watched struct {
	sources []providers.Provider
	cache   *cache.Cache
	catalog *loaders.Catalog
	streams func() int // open
}

func newMetrics() (*metrics, error) {
	m := &metrics{registry: prometheus.NewRegistry(), calls: newCallMetrics(), server: server.NewMetrics()}
	m.all = []prometheus.Collector{
		m, m.server, m.calls, buildInfo(),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	for _, c := range m.all {
		if err := m.registry.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return m, nil
}

// page answers GET /metrics.
func (m *metrics) page(logger *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		// One that scrapes twice at once is enough; a third waits for nothing.
		MaxRequestsInFlight: 3,
		EnableOpenMetrics:   true,
	})
}

// buildInfo says what runs here.
func buildInfo() prometheus.Collector {
	version, revision := "unknown", "unknown"
	goVersion := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version, goVersion = cmp.Or(info.Main.Version, version), info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chargegraph_build_info", Help: "What runs here; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": goVersion},
	}, func() float64 { return 1 })
}

// countCheckIns counts what store holds.
func (m *metrics) countCheckIns(ctx context.Context, store checkins.Store, logger *slog.Logger) {
	counts, err := checkins.Count(ctx, store)
	switch {
	case err == nil:
		m.checkIns.Store(&counts)
	case !errors.Is(ctx.Err(), context.Canceled):
		m.checkIns.Store(nil) // none is better than one of yesterday
		logger.LogAttrs(ctx, slog.LevelWarn, "check-ins not counted", slog.Any("error", err))
	}
}

// desc describes a metric that is read when it is asked for.
func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("chargegraph_"+name, help, labels, nil)
}

//nolint:gochecknoglobals // descriptions, which never change
var (
	descHealth      = desc("source_health", "1 for the health that a source is in, 0 for the others.", "source", "provider", "health")
	descInfo        = desc("source_info", "What a source is; always 1.", "source", "provider", "mode")
	descSuccess     = desc("source_last_success_timestamp_seconds", "When a source last answered properly; 0: never.", "source")
	descRecords     = desc("source_records", "Records held here of a source.", "source")
	descReady       = desc("source_ready", "1 when a source whose records are held here has been read once, else 0.", "source")
	descQuestions   = desc("source_questions_total", "Questions to a source by outcome: OK, or why it could not be asked. Answers from the cache are none.", "source", "outcome")
	descLimit       = desc("upstream_budget_limit", "Calls that a source may be sent in a window, by all replicas together.", "source")
	descUsed        = desc("upstream_budget_used", "Calls of the window that are used up.", "source")
	descWindow      = desc("upstream_budget_window_seconds", "Length of the window.", "source")
	descLookups     = desc("cache_lookups_total", "Values looked up in the cache: hit (fresh), stale, miss (loaded), failed.", "result")
	descRedis       = desc("cache_redis_lookups_total", "Values looked up in Redis, by result.", "result")
	descAnswers     = desc("cache_answer_lookups_total", "Finished answers looked up, by where they were found: memory, redis, miss.", "result")
	descLoads       = desc("cache_loads_total", "Loads of values that were not there.")
	descRefreshes   = desc("cache_refreshes_total", "Values refreshed behind an answer, by result.", "result")
	descPolls       = desc("cache_polls_total", "Looks into Redis for what another process was loading.")
	descEvictions   = desc("cache_evictions_total", "Values that had to make room.")
	descWrites      = desc("cache_redis_writes_total", "Values for Redis: written, or skipped while it was away, full or too slow.", "result")
	descInvalidated = desc("cache_invalidations_total", "Invalidations of tags, by this process and others.")
	descMessages    = desc("cache_messages_total", "Messages from other processes.")
	descBytes       = desc("cache_bytes", "Size of keys and values in memory.")
	descMaxBytes    = desc("cache_max_bytes", "The most that there may be.")
	descEntries     = desc("cache_entries", "Values in memory.")
	descQueued      = desc("cache_redis_queue_length", "Values that wait to be written to Redis.")
	descUp          = desc("cache_redis_up", "1 when Redis answers, 0 when it is left alone for a while.")
	descRefusing    = desc("cache_redis_refusing", "1 when Redis takes no values, as when it is full.")
	descListening   = desc("cache_redis_listening", "1 when messages from other processes arrive.")
	descPOIs        = desc("pois_merged_total", "POIs made, by how many records they were made of; the highest number stands for more, too.", "records")
	descStreams     = desc("streams_open", "Connections open for subscriptions.")
	descWritable    = desc("checkins_writable", "1 when check-ins can be kept, as was last tried: by a probe, or once a minute.")
	descCheckIns    = desc("checkins", "Check-ins kept, by state; counted once a minute.", "state")
	descDeliveries  = desc("checkin_deliveries", "Deliveries of check-ins kept, by state; counted once a minute.", "state")
	descOldest      = desc("checkin_oldest_undelivered_timestamp_seconds", "When the oldest check-in was submitted that a provider has neither taken nor refused; left out when there is none.")
)

// Describe implements prometheus.Collector. Which of them there are depends on what
// is configured.
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descHealth, descInfo, descSuccess, descRecords, descReady, descQuestions, descLimit, descUsed, descWindow,
		descLookups, descRedis, descAnswers, descLoads, descRefreshes, descPolls, descEvictions, descWrites,
		descInvalidated, descMessages, descBytes, descMaxBytes, descEntries, descQueued, descUp, descRefusing,
		descListening, descPOIs, descStreams, descWritable, descCheckIns, descDeliveries, descOldest,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	if w := m.service.Load(); w != nil {
		for _, p := range w.sources {
			collectSource(p, gauge, counter)
		}
		collectCache(w.cache.Stats(), gauge, counter)
		for i, n := range w.catalog.Stats().Records {
			counter(descPOIs, n, fmt.Sprint(i+1))
		}
		gauge(descStreams, float64(w.streams()))
	}
	if m.keeps {
		gauge(descWritable, one(!m.unkept.Load()))
	}
	if c := m.checkIns.Load(); c != nil {
		for _, state := range []providers.CheckInState{
			providers.CheckInAccepted, providers.CheckInDelivering, providers.CheckInDelivered, providers.CheckInPartlyDelivered, providers.CheckInRejected,
		} {
			gauge(descCheckIns, float64(c.States[state]), string(state))
		}
		for _, state := range []providers.DeliveryState{
			providers.DeliveryPending, providers.DeliveryRetrying, providers.DeliveryUnconfirmed, providers.DeliveryDelivered,
			providers.DeliveryRejected, providers.DeliveryUnsupported, providers.DeliveryFailed,
		} {
			gauge(descDeliveries, float64(c.Deliveries[state]), string(state))
		}
		if !c.Oldest.IsZero() {
			gauge(descOldest, seconds(c.Oldest))
		}
	}
}

type gaugeFunc func(d *prometheus.Desc, v float64, labels ...string)

type counterFunc func(d *prometheus.Desc, n uint64, labels ...string)

func collectSource(p providers.Provider, gauge gaugeFunc, counter counterFunc) {
	s := p.Source()
	id := string(s.ID)
	health := s.Health()
	for _, h := range []providers.SourceHealth{providers.HealthHealthy, providers.HealthDegraded, providers.HealthDown} {
		gauge(descHealth, one(h == health), id, string(s.Provider), string(h))
	}
	gauge(descInfo, 1, id, string(s.Provider), string(s.Mode))
	gauge(descSuccess, seconds(s.LastSuccessAt()), id)
	outcomes := s.Outcomes()
	counter(descQuestions, outcomes[""], id, "OK")
	for code, n := range outcomes {
		if code != "" {
			counter(descQuestions, n, id, string(code))
		}
	}
	if n := s.RecordCount(); n != nil {
		gauge(descRecords, float64(*n), id)
	}
	if holder, ok := p.(providers.Holder); ok {
		gauge(descReady, one(holder.Ready() == nil), id)
	}
	if b := s.Budget(); b != nil {
		gauge(descLimit, float64(b.Limit), id)
		gauge(descUsed, float64(b.Used), id)
		gauge(descWindow, float64(b.WindowSeconds), id)
	}
}

func collectCache(s cache.Stats, gauge gaugeFunc, counter counterFunc) {
	counter(descLookups, s.Hits, "hit")
	counter(descLookups, s.Stale, "stale")
	counter(descLookups, s.Misses, "miss")
	counter(descLookups, s.Failed, "failed")
	counter(descAnswers, s.AnswerHits, "memory")
	counter(descAnswers, s.AnswerRedisHits, "redis")
	counter(descAnswers, s.AnswerMisses, "miss")
	counter(descLoads, s.Loads)
	counter(descRefreshes, s.Refreshes-min(s.RefreshesFailed, s.Refreshes), "ok")
	counter(descRefreshes, s.RefreshesFailed, "failed")
	counter(descEvictions, s.Evictions)
	counter(descInvalidated, s.Invalidations)
	gauge(descBytes, float64(s.Bytes))
	gauge(descMaxBytes, float64(s.MaxBytes))
	gauge(descEntries, float64(s.Entries))
	if !s.Redis {
		return
	}
	counter(descRedis, s.RedisHits, "hit")
	counter(descRedis, s.RedisMisses, "miss")
	counter(descRedis, s.RedisErrors, "error")
	counter(descPolls, s.Polls)
	counter(descWrites, s.Writes, "written")
	counter(descWrites, s.WritesSkipped, "skipped")
	counter(descMessages, s.Messages)
	gauge(descQueued, float64(s.Queued))
	gauge(descUp, one(!s.Broken))
	gauge(descRefusing, one(s.Refusing))
	gauge(descListening, one(s.Listening))
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
