module chargegraph/ci/deployment

go 1.26

require (
	github.com/compose-spec/compose-go/v2 v2.9.0 // indirect
	github.com/moby/buildkit v0.25.0 // indirect
	go.yaml.in/yaml/v2 v2.4.2 // indirect
	k8s.io/api v0.34.1 // indirect
	k8s.io/apimachinery v0.34.1 // indirect
	k8s.io/pod-security-admission v0.34.1 // indirect
	sigs.k8s.io/yaml v1.6.0 // indirect
)
