//! What a random runbook finds: two nodes with pods of every sort, and objects of many kinds.

use crate::chance::Chance;
use crate::cluster::{Cluster, STUCK};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

/// A kind of object that random steps change.
#[derive(Debug, Clone, Copy)]
pub struct Sort {
    /// Group and version.
    pub api: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// Its plural.
    pub plural: &'static str,
    /// Whether it is in a namespace.
    pub namespaced: bool,
    /// The name that the object has which is there from the beginning; in place of none, that of the namespace.
    pub name: Option<&'static str>,
    /// What is merged into it.
    pub merges: &'static [&'static str],
}

/// The kinds. Some merges change nothing, and some the server refuses.
pub const SORTS: &[Sort] = &[
    Sort {
        api: "v1",
        kind: "ConfigMap",
        plural: "configmaps",
        namespaced: true,
        name: Some("map"),
        merges: &[
            r#"{"data":{"a":"9"}}"#,
            r#"{"data":{"b":null,"c":"new"}}"#,
            r#"{"data":null,"binaryData":{"x":"AAE="}}"#,
            r#"{"metadata":{"labels":{"l":"v"},"annotations":{"note":null}}}"#,
            r#"{"data":{"a":"1"}}"#,
        ],
    },
    Sort {
        api: "apps/v1",
        kind: "Deployment",
        plural: "deployments",
        namespaced: true,
        name: Some("front"),
        merges: &[
            r#"{"spec":{"replicas":2}}"#,
            r#"{"spec":{"replicas":null}}"#,
            r#"{"spec":{"paused":true}}"#,
            r#"{"spec":{"template":{"metadata":{"annotations":{"again":"1"}}}}}"#,
            r#"{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}"#,
            r#"{"spec":{"selector":{"matchLabels":{"app":"other"}}}}"#,
        ],
    },
    Sort {
        api: "apps/v1",
        kind: "DaemonSet",
        plural: "daemonsets",
        namespaced: true,
        name: Some("agent"),
        merges: &[
            r#"{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}"#,
            r#"{"metadata":{"labels":{"l":"v"}}}"#,
            r#"{"spec":{"minReadySeconds":3}}"#,
        ],
    },
    Sort {
        api: "apps/v1",
        kind: "StatefulSet",
        plural: "statefulsets",
        namespaced: true,
        name: Some("sts"),
        merges: &[
            r#"{"spec":{"replicas":2}}"#,
            r#"{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}"#,
        ],
    },
    Sort {
        api: "v1",
        kind: "Service",
        plural: "services",
        namespaced: true,
        name: Some("svc"),
        merges: &[
            r#"{"spec":{"sessionAffinity":"ClientIP"}}"#,
            r#"{"spec":{"ports":[{"name":"other","port":81}]}}"#,
            r#"{"spec":{"clusterIP":"10.0.0.77"}}"#,
        ],
    },
    Sort {
        api: "v1",
        kind: "ServiceAccount",
        plural: "serviceaccounts",
        namespaced: true,
        name: Some("robot"),
        merges: &[r#"{"metadata":{"annotations":{"note":"robot"}}}"#, r#"{"automountServiceAccountToken":false}"#],
    },
    Sort {
        api: "rbac.authorization.k8s.io/v1",
        kind: "RoleBinding",
        plural: "rolebindings",
        namespaced: true,
        name: Some("bound"),
        merges: &[
            r#"{"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"b"}]}"#,
            r#"{"roleRef":{"name":"edit"}}"#,
        ],
    },
    Sort {
        api: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRole",
        plural: "clusterroles",
        namespaced: false,
        name: None,
        merges: &[
            r#"{"rules":[]}"#,
            r#"{"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["list"]}]}"#,
            r#"{"metadata":{"labels":{"l":"v"}}}"#,
        ],
    },
    Sort {
        api: "batch/v1beta1",
        kind: "CronJob",
        plural: "cronjobs",
        namespaced: true,
        name: Some("tick"),
        merges: &[r#"{"spec":{"suspend":true}}"#, r#"{"spec":{"schedule":"no"}}"#],
    },
    Sort {
        api: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        plural: "networkpolicies",
        namespaced: true,
        name: Some("net"),
        merges: &[
            r#"{"spec":{"policyTypes":["Ingress","Egress"]}}"#,
            r#"{"spec":{"podSelector":{"matchLabels":{"a":"b"}}}}"#,
        ],
    },
];

impl Sort {
    /// Where all of them are.
    pub fn path(&self, space: &str) -> String {
        let root = if self.api.contains('/') { "apis" } else { "api" };
        match self.namespaced {
            true => format!("/{root}/{}/namespaces/{space}/{}", self.api, self.plural),
            false => format!("/{root}/{}/{}", self.api, self.plural),
        }
    }

    /// The name of the object that is there from the beginning.
    pub fn name_in(&self, space: &str) -> String {
        self.name.map_or_else(|| space.to_owned(), str::to_owned)
    }
}

/// The part of the cluster that belongs to one runbook.
#[derive(Debug)]
pub struct World<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The namespace; its name begins that of everything else.
    pub space: String,
    /// The nodes.
    pub nodes: Vec<String>,
}

/// A container that nobody runs, for pods that can only be on this node.
fn spec(node: Option<&str>, emptydir: bool) -> Value {
    let mut spec = json!({
        "containers": [{ "name": "c", "image": "none" }], "terminationGracePeriodSeconds": 1,
        "tolerations": [{ "key": "dedicated", "operator": "Exists" }],
    });
    if let Some(node) = node {
        spec["nodeSelector"] = json!({ "kubernetes.io/hostname": node });
    }
    if emptydir {
        spec["volumes"] = json!([{ "name": "d", "emptyDir": {} }]);
    }
    spec
}

fn controller(kind: &str, name: &str, spec: Value, more: Value) -> Value {
    let labels = json!({ "app": name });
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": { "name": name, "annotations": { "note": "kept" } },
        "spec": { "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels }, "spec": spec } },
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        object["spec"][key] = value.clone();
    }
    object
}

impl<'a> World<'a> {
    /// Makes one. `stopped`: the kubelets of its nodes are not heard of, as they must be before a Node is deleted.
    pub fn new(cluster: &'a Cluster, space: &str, chance: &mut Chance, stopped: bool) -> Self {
        let nodes: Vec<String> = ["a", "b"].into_iter().map(|name| format!("{space}-{name}")).collect();
        let world = Self { cluster, space: space.to_owned(), nodes };
        let hand = cluster.hand();
        cluster.namespace(space);
        for name in &world.nodes {
            world.register(name);
            let mut fields = json!({ "metadata": { "labels": { "judge": space, "zone": "a", "old": "yes" }, "annotations": { "note": "kept" } } });
            if chance.below(3) == 0 {
                fields["spec"]["taints"] = json!([{ "key": "dedicated", "value": "x", "effect": "NoSchedule" }]);
            }
            hand.merge(&format!("/api/v1/nodes/{name}"), &fields);
        }
        world.objects();
        world.pods(chance);
        let cordoned = chance.below(4) == 0;
        for name in &world.nodes {
            if cordoned {
                hand.merge(&format!("/api/v1/nodes/{name}"), &json!({ "spec": { "unschedulable": true } }));
            }
            if stopped {
                cluster.ready(name, false);
            }
        }
        world
    }

    /// A kubelet registers its node, as one that has only its own labels.
    pub fn register(&self, name: &str) {
        self.cluster.node(name, &[]);
    }

    fn objects(&self) {
        for sort in SORTS {
            let name = sort.name_in(&self.space);
            let meta = json!({ "name": name, "annotations": { "note": "kept" } });
            let cron = json!({ "template": { "spec": { "template": { "spec": {
                "restartPolicy": "Never", "containers": [{ "name": "c", "image": "none" }] } } } } });
            let with = |more: Value| {
                palinode_core::cluster::merged(
                    &json!({ "apiVersion": sort.api, "kind": sort.kind, "metadata": meta }),
                    &more,
                )
            };
            let b = self.nodes.last().map(String::as_str);
            let object = match sort.kind {
                "ConfigMap" => with(json!({ "data": { "a": "1", "b": "2" } })),
                "Deployment" => controller("Deployment", &name, spec(b, false), json!({ "replicas": 1 })),
                "StatefulSet" => {
                    controller("StatefulSet", &name, spec(b, true), json!({ "replicas": 1, "serviceName": "none" }))
                }
                "DaemonSet" => {
                    let mut spec = spec(None, false);
                    spec["nodeSelector"] = json!({ "judge": self.space });
                    controller("DaemonSet", &name, spec, json!({}))
                }
                "Service" => with(
                    json!({ "spec": { "selector": { "app": "front" }, "ports": [{ "name": "web", "port": 80 }] } }),
                ),
                "RoleBinding" => with(json!({
                    "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view" },
                    "subjects": [{ "kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "a" }],
                })),
                "ClusterRole" => {
                    with(json!({ "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] }] }))
                }
                "CronJob" => with(json!({ "spec": { "schedule": "0 0 1 1 *", "jobTemplate": cron["template"] } })),
                "NetworkPolicy" => with(json!({ "spec": { "podSelector": {}, "policyTypes": ["Ingress"] } })),
                _ => with(json!({})),
            };
            self.cluster.hand().make(&sort.path(&self.space), &object);
        }
    }

    /// On the first node: of a set, with data, alone, of a budget that holds it, such as never end.
    fn pods(&self, chance: &mut Chance) {
        let (hand, space, node) = (self.cluster.hand(), &self.space, self.nodes[0].as_str());
        let core = format!("/api/v1/namespaces/{space}/pods");
        let sets = format!("/apis/apps/v1/namespaces/{space}/replicasets");
        hand.make(&sets, &controller("ReplicaSet", "web", spec(Some(node), false), json!({ "replicas": 2 })));
        let mut wanted = 2;
        if chance.below(2) == 0 {
            hand.make(&sets, &controller("ReplicaSet", "disk", spec(Some(node), true), json!({ "replicas": 1 })));
            wanted += 1;
        }
        if chance.below(2) == 0 {
            let mut pod = json!({ "metadata": { "name": "bare" }, "spec": spec(None, chance.below(2) == 0) });
            pod["spec"]["nodeName"] = node.into();
            hand.make(&core, &pod);
            wanted += 1;
        }
        if chance.below(6) == 0 {
            let mut pod =
                json!({ "metadata": { "name": "stuck", "annotations": { STUCK: "yes" } }, "spec": spec(None, false) });
            pod["spec"]["nodeName"] = node.into();
            hand.make(&core, &pod);
            wanted += 1;
        }
        if chance.below(4) == 0 {
            let budget = json!({ "metadata": { "name": "web" }, "spec": { "minAvailable": 1 + chance.below(2), "selector": { "matchLabels": { "app": "web" } } } });
            hand.make(&format!("/apis/policy/v1beta1/namespaces/{space}/poddisruptionbudgets"), &budget);
        }
        // And one of the DaemonSet.
        self.cluster.until_up(node, wanted + 1);
        // The Deployment's, the StatefulSet's, the DaemonSet's.
        self.cluster.until_up(&self.nodes[1], 3);
    }

    /// A kubelet asks for a certificate.
    pub fn ask_for_certificate(&self, node: &str) {
        let body = json!({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": { "name": format!("{node}-client") },
            "spec": { "request": request(&format!("system:node:{node}")), "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
                "usages": ["digital signature", "key encipherment", "client auth"] },
        });
        self.cluster.hand().make("/apis/certificates.k8s.io/v1/certificatesigningrequests", &body);
    }

    /// Nothing of it is left to trouble others.
    pub fn remove(&self) {
        let hand = self.cluster.hand();
        for name in &self.nodes {
            hand.delete(&format!("/api/v1/nodes/{name}"));
            hand.delete(&format!("/apis/certificates.k8s.io/v1/certificatesigningrequests/{name}-client"));
        }
        hand.delete(&format!("/apis/rbac.authorization.k8s.io/v1/clusterroles/{}", self.space));
        hand.delete(&format!("/api/v1/namespaces/{}/pods/stuck", self.space));
        hand.delete(&format!("/api/v1/namespaces/{}", self.space));
    }
}

/// A request for a certificate in the form that the API has it.
fn request(name: &str) -> String {
    let script = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /dev/null -subj \"/O=system:nodes/CN=$1\" 2>/dev/null | base64 -w0";
    let out = Command::new("sh").args(["-c", script, "sh", name]).stdin(Stdio::null()).output().expect("a shell");
    String::from_utf8(out.stdout).expect("base64")
}
