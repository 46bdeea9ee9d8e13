/** Metadata of any object, as the API writes it. */
export interface ObjectMetadata {
  readonly name?: string;
  readonly uid?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Parts of a pod, as the API writes it, that identity reads; anything may be missing. https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export interface Pod {
  readonly metadata?: ObjectMetadata & {
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly creationTimestamp?: string;
    readonly ownerReferences?: readonly OwnerReference[];
  };
  readonly spec?: {
    readonly nodeName?: string;
    readonly hostname?: string;
    readonly hostNetwork?: boolean;
    readonly containers?: readonly ContainerSpec[];
    readonly initContainers?: readonly ContainerSpec[];
    readonly ephemeralContainers?: readonly ContainerSpec[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip?: string }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly ephemeralContainerStatuses?: readonly ContainerStatus[];
  };
}

export interface OwnerReference {
  readonly kind?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly controller?: boolean;
}

interface ContainerSpec {
  readonly name?: string;
  readonly image?: string;
}

export interface ContainerStatus {
  readonly name?: string;
  readonly image?: string;
  readonly imageID?: string;
  /** `<runtime>://<id>`; absent until the container was created. */
  readonly containerID?: string;
  readonly lastState?: { readonly terminated?: { readonly containerID?: string } };
}

/** A container of a pod, by its present ID and that of its last run. */
export interface PodContainer {
  readonly name: string;
  /** As the pod names it, e.g. `registry.example.com/shop:1.2`. */
  readonly image: string;
  /** With a digest, e.g. `registry.example.com/shop@sha256:…`; empty where it is unknown. */
  readonly imageId: string;
  readonly ids: readonly string[];
}

/** All containers of a pod: regular, init and ephemeral ones. */
export function containersOf({ spec = {}, status = {} }: Pod): readonly PodContainer[] {
  const specs = [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  const statuses = [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []),
    ...(status.ephemeralContainerStatuses ?? []),
  ];
  return specs.map(({ name = '', image = '' }) => {
    const own = statuses.find((each) => each.name === name);
    const ids = [own?.containerID, own?.lastState?.terminated?.containerID].map((id) => id?.split('://').at(-1) ?? '');
    return { name, image, imageId: own?.imageID ?? '', ids: ids.filter((id) => id !== '') };
  });
}

/** UID that the control groups of a pod have: of a static pod, the hash that its mirror names. */
export function uidsOf({ metadata = {} }: Pod): readonly string[] {
  const { uid = '', annotations = {} } = metadata;
  const mirrored = annotations['kubernetes.io/config.mirror'] ?? annotations['kubernetes.io/config.hash'] ?? '';
  return [uid, mirrored].filter((each) => each !== '');
}
