// Package deployment_test reads deploy/ as those do who run it: the Dockerfile
// with BuildKit's frontend, compose.yaml with Compose's loader, and the manifests
// as the API server's types, strictly, and by the rules of pod security.
package deployment_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

const deploy = "../../deploy"

// baseImages answers for a registry: every image is there, and empty.
type baseImages struct{}

func (baseImages) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config, err := json.Marshal(ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: "amd64"}})
	return ref, digest.FromString(ref), config, err
}

func TestDockerfile_BuildsByTheRules(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(deploy, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	image := convert(t, text, func(rule, _, _, message string, _ []parser.Range) { t.Errorf("%s: %s", rule, message) })
	if image.User != "65532:65532" {
		t.Errorf("it runs as %q, want a user without rights", image.User)
	}
	if !slices.Equal(image.Entrypoint, []string{"/chargegraph"}) || len(image.Cmd) != 0 {
		t.Errorf("it runs %q %q, want /chargegraph and what is written behind it", image.Entrypoint, image.Cmd)
	}

	t.Run("and a mistake would be told", func(t *testing.T) {
		t.Parallel()
		var told []string
		wrong := bytes.Replace(text, []byte("CGO_ENABLED=0"), []byte("CGO_ENABLED=0 && echo $NOWHERE"), 1)
		wrong = append(wrong, "\nENV OLD way\nCMD echo done\n"...)
		convert(t, wrong, func(rule, _, _, _ string, _ []parser.Range) { told = append(told, rule) })
		if !slices.Contains(told, linter.RuleLegacyKeyValueFormat.Name) || !slices.Contains(told, linter.RuleJSONArgsRecommended.Name) {
			t.Errorf("told of %v", told)
		}
	})
}

// convert makes of a Dockerfile what BuildKit would execute, and returns the
// configuration of the image.
func convert(t *testing.T, text []byte, warn linter.LintWarnFunc) ocispecs.ImageConfig {
	t.Helper()
	opt := dockerfile2llb.ConvertOpt{MetaResolver: baseImages{}, Warn: warn, AllStages: true}
	state, image, _, _, err := dockerfile2llb.Dockerfile2LLB(t.Context(), text, opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = state.Marshal(t.Context()); err != nil {
		t.Fatal(err)
	}
	return image.Config.ImageConfig
}

func TestCompose_LoadsAndWantsItsSecrets(t *testing.T) {
	t.Parallel()
	env := map[string]string{"OCM_API_KEY": "k", "CHARGEGRAPH_SECRET": "s", "CHARGEGRAPH_KEY_HASH": "h"}
	project, err := compose(t, env)
	if err != nil {
		t.Fatal(err)
	}
	server := project.Services["server"]
	if n := server.GetScale(); n != 2 {
		t.Errorf("%d servers, want 2", n)
	}
	if !server.ReadOnly || !slices.Contains(server.CapDrop, "ALL") || server.User != "65532:65532" {
		t.Error("the server may do more than it needs")
	}
	if !strings.Contains(strings.Join(project.Services["redis"].Command, " "), "--appendonly yes") {
		t.Error("Redis would forget check-ins")
	}
	for _, file := range project.Configs {
		if _, err = os.Stat(file.File); err != nil {
			t.Error(err)
		}
	}
	for name := range env {
		without := maps.Clone(env)
		delete(without, name)
		if _, err = compose(t, without); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s it says %v", name, err)
		}
	}
}

func compose(t *testing.T, env map[string]string) (*types.Project, error) {
	t.Helper()
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	options, err := cli.NewProjectOptions([]string{filepath.Join(deploy, "compose.yaml")}, cli.WithEnv(list))
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(t.Context())
}

// manifests reads every document of deploy/kubernetes into the type of its kind;
// a field that the type does not have is an error.
func manifests(t *testing.T) map[string]any {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(deploy, "kubernetes", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	read := make(map[string]any)
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		docs := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
		for {
			doc, err := docs.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			var kind metav1.TypeMeta
			if err = yaml.Unmarshal(doc, &kind); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			into := typeOf(kind)
			if into == nil {
				t.Fatalf("%s: %s %s is no kind that is known here", file, kind.APIVersion, kind.Kind)
			}
			if err = yaml.UnmarshalStrict(doc, into); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			read[kind.Kind] = into
		}
	}
	return read
}

// one returns the manifest of a type.
func one[T any](t *testing.T, read map[string]any) *T {
	t.Helper()
	for _, manifest := range read {
		if found, ok := manifest.(*T); ok {
			return found
		}
	}
	t.Fatalf("there is no %T", *new(T))
	return nil
}

func typeOf(kind metav1.TypeMeta) any {
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 Namespace":
		return new(corev1.Namespace)
	case "v1 ConfigMap":
		return new(corev1.ConfigMap)
	case "v1 Secret":
		return new(corev1.Secret)
	case "v1 Service":
		return new(corev1.Service)
	case "apps/v1 Deployment":
		return new(appsv1.Deployment)
	case "policy/v1 PodDisruptionBudget":
		return new(policyv1.PodDisruptionBudget)
	case "networking.k8s.io/v1 NetworkPolicy":
		return new(networkingv1.NetworkPolicy)
	case "autoscaling/v2 HorizontalPodAutoscaler":
		return new(autoscalingv2.HorizontalPodAutoscaler)
	}
	return nil
}

func TestManifests_AreWhatTheAPIServerReads(t *testing.T) {
	t.Parallel()
	if read := manifests(t); len(read) != 8 {
		t.Errorf("%d kinds, want 8: %v", len(read), slices.Sorted(maps.Keys(read)))
	}
}

func TestDeployment_MayDoNoMoreThanPodSecurityRestrictedLetsItDo(t *testing.T) {
	t.Parallel()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		t.Fatal(err)
	}
	template := one[appsv1.Deployment](t, manifests(t)).Spec.Template
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec) {
		if !result.Allowed {
			t.Errorf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
		}
	}
	template.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil
	if policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec)).Allowed {
		t.Error("a pod that may rise to more rights passes: nothing was checked")
	}
}

func TestManifests_FitTogether(t *testing.T) {
	t.Parallel()
	read := manifests(t)
	deployment := one[appsv1.Deployment](t, read)
	pod := labels.Set(deployment.Spec.Template.Labels)
	container := deployment.Spec.Template.Spec.Containers[0]
	selects := func(what string, selector *metav1.LabelSelector) {
		t.Helper()
		s, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil || s.Empty() || !s.Matches(pod) {
			t.Errorf("%s selects %v (%v), and the pods are %v", what, s, err, pod)
		}
	}
	selects("the deployment", deployment.Spec.Selector)
	selects("the disruption budget", one[policyv1.PodDisruptionBudget](t, read).Spec.Selector)
	network := one[networkingv1.NetworkPolicy](t, read)
	selects("the network policy", &network.Spec.PodSelector)
	service := one[corev1.Service](t, read)
	selects("the service", metav1.SetAsLabelSelector(service.Spec.Selector))
	for _, spread := range deployment.Spec.Template.Spec.TopologySpreadConstraints {
		selects("the spread over "+spread.TopologyKey, spread.LabelSelector)
	}

	ports := make(map[string]int32)
	for _, port := range container.Ports {
		ports[port.Name] = port.ContainerPort
	}
	wanted := []string{service.Spec.Ports[0].TargetPort.StrVal}
	for _, probe := range []*corev1.Probe{container.StartupProbe, container.LivenessProbe, container.ReadinessProbe} {
		wanted = append(wanted, probe.HTTPGet.Port.StrVal)
	}
	for _, rule := range network.Spec.Ingress {
		for _, port := range rule.Ports {
			wanted = append(wanted, port.Port.StrVal)
		}
	}
	for _, name := range wanted {
		if ports[name] == 0 {
			t.Errorf("port %q is asked for, and the container has %v", name, ports)
		}
	}
	if *deployment.Spec.Replicas != 3 {
		t.Errorf("%d replicas, want 3", *deployment.Spec.Replicas)
	}

	scaling := one[autoscalingv2.HorizontalPodAutoscaler](t, read)
	if scaling.Spec.ScaleTargetRef.Name != deployment.Name {
		t.Errorf("%q is scaled, want %q", scaling.Spec.ScaleTargetRef.Name, deployment.Name)
	}
	config, secret := one[corev1.ConfigMap](t, read), one[corev1.Secret](t, read)
	if deployment.Spec.Template.Spec.Volumes[0].ConfigMap.Name != config.Name || container.EnvFrom[0].SecretRef.Name != secret.Name {
		t.Error("the deployment takes a ConfigMap or a Secret that is not here")
	}
	for name, value := range secret.StringData {
		if value != "" {
			t.Errorf("the template of the secret has a value for %s", name)
		}
	}
	for _, text := range []string{config.Data["chargegraph.yaml"], string(mustRead(t, "chargegraph.yaml"))} {
		for _, name := range variables(text) {
			if _, ok := secret.StringData[name]; !ok {
				t.Errorf("the configuration wants ${%s}, and the secret has %v", name, slices.Sorted(maps.Keys(secret.StringData)))
			}
		}
	}
}

func TestKustomization_NamesFilesThatAreHere(t *testing.T) {
	t.Parallel()
	var kustomization struct {
		APIVersion, Kind, Namespace string
		Resources                   []string
		Images                      []struct{ Name, NewName, NewTag string }
	}
	if err := yaml.UnmarshalStrict(mustRead(t, "kubernetes/kustomization.yaml"), &kustomization); err != nil {
		t.Fatal(err)
	}
	for _, name := range kustomization.Resources {
		mustRead(t, "kubernetes/"+name)
	}
	if len(kustomization.Resources) != 6 || kustomization.Images[0].Name != "chargegraph" {
		t.Errorf("it is %+v", kustomization)
	}
}

// variables returns the names in ${…}.
func variables(text string) []string {
	var names []string
	for _, part := range strings.Split(text, "${")[1:] {
		name, _, _ := strings.Cut(part, "}")
		if name != "…" {
			names = append(names, name)
		}
	}
	return names
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deploy, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
