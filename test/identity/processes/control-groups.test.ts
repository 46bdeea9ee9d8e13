import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readControlGroups } from '../../../src/identity/processes/control-groups.ts';

const id = '0123456789abcdef'.repeat(4);
const other = 'fedcba9876543210'.repeat(4);
const uid = '8a1b2c3d-0000-1111-2222-333344445555';
const inUnderscores = uid.replaceAll('-', '_');
const pod = `kubepods-burstable-pod${inUnderscores}.slice`;

for (const { name, text, containerId = id, podUid = '' } of [
  {
    name: 'containerd under systemd',
    text: `0::/kubepods.slice/kubepods-burstable.slice/${pod}/cri-containerd-${id}.scope`,
    podUid: uid,
  },
  {
    name: 'a guaranteed pod, which has no class',
    text: `0::/kubepods.slice/kubepods-pod${inUnderscores}.slice/crio-${id}.scope`,
    podUid: uid,
  },
  { name: 'CRI-O with its container group', text: `0::/kubepods.slice/${pod}/crio-${id}/container`, podUid: uid },
  { name: 'cgroupfs', text: `0::/kubepods/besteffort/pod${uid}/${id}`, podUid: uid },
  {
    name: 'version 1, and a unified line that says nothing',
    text: `12:memory:/kubepods/burstable/pod${uid}/${id}\n1:name=systemd:/kubepods/burstable/pod${uid}/${id}\n0::/`,
    podUid: uid,
  },
  {
    name: 'containerd as a unit of version 1',
    text: `5:cpu,cpuacct:/system.slice/containerd.service/${pod}:cri-containerd:${id}`,
    podUid: uid,
  },
  { name: 'Docker', text: `0::/system.slice/docker-${id}.scope` },
  { name: 'Docker under cgroupfs', text: `0::/docker/${id}` },
  { name: 'podman', text: `0::/machine.slice/libpod-${id}.scope/container` },
  { name: 'systemd in a container', text: `0::/system.slice/docker-${id}.scope/system.slice/x.service` },
  {
    name: 'a node in a container: the innermost counts',
    text: `0::/docker/${other}/kubelet.slice/${pod}/cri-containerd-${id}.scope`,
    podUid: uid,
  },
  { name: 'a sibling seen from another control group namespace', text: `0::/../cri-containerd-${id}.scope` },
  {
    name: 'a pod seen from another control group namespace',
    text: `0::/../../${pod}/cri-containerd-${id}.scope`,
    podUid: uid,
  },
  { name: 'a control group that was removed', text: `0::/system.slice/docker-${id}.scope (deleted)` },
  { name: 'kata', text: `0::/kata_overhead/${id}` },
  {
    name: 'a task of Fargate',
    text: '0::/ecs/task/0123456789abcdef0123456789abcdef-1234567890',
    containerId: '0123456789abcdef0123456789abcdef-1234567890',
  },
  {
    name: 'a static pod, whose UID is a hash',
    text: `0::/kubepods/pod${'ab'.repeat(16)}/${id}`,
    podUid: 'ab'.repeat(16),
  },
  { name: "a container's monitor", text: `0::/machine.slice/libpod-conmon-${id}.scope`, containerId: '' },
  { name: 'a pod without a container', text: `0::/kubepods.slice/${pod}`, containerId: '', podUid: uid },
  { name: 'a terminal', text: `0::/user.slice/vte-spawn-${uid}.scope`, containerId: '' },
  { name: '63 digits', text: `0::/docker/${id.slice(1)}`, containerId: '' },
  { name: '65 digits', text: `0::/docker/${id}0`, containerId: '' },
  { name: 'a name that begins with an ID', text: `0::/docker/${id}-x`, containerId: '' },
  { name: 'a line of any length', text: `0::/${'a/'.repeat(100_000)}docker/${id}`, containerId: '' },
  { name: 'garbage', text: '\0\n:::\n0:', containerId: '' },
]) {
  test(`readControlGroups reads ${name}`, () => {
    assert.deepEqual(readControlGroups(text), { containerId, podUid });
  });
}
