// Reads Kubernetes objects from standard input, as YAML documents, into the types of k8s.io/api, strictly: an unknown field is a
// fault, and so is a kind that it does not know, but for those of the Prometheus Operator. Prints kind and name of each object.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	sigsyaml "sigs.k8s.io/yaml"
)

func main() {
	decoder := serializer.NewCodecFactory(clientscheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewYAMLReader(bufio.NewReader(os.Stdin))
	faults := 0
	for {
		document, err := documents.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		var head unstructured.Unstructured
		if err := sigsyaml.Unmarshal(document, &head.Object); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		if len(head.Object) == 0 {
			continue
		}
		if head.GroupVersionKind().Group != "monitoring.coreos.com" {
			if _, _, err := decoder.Decode(document, nil, nil); err != nil {
				faults++
				fmt.Fprintf(os.Stderr, "%s %s: %v\n", head.GetKind(), head.GetName(), err)
				if runtime.IsNotRegisteredError(err) {
					continue
				}
			}
		}
		fmt.Printf("%s %s\n", head.GetKind(), head.GetName())
	}
	if faults > 0 {
		os.Exit(1)
	}
}
