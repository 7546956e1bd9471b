//! What container runtimes call their containers, from the files they keep.
//! Most of them only root may read.
//!
//! | runtime | file | what |
//! |---|---|---|
//! | docker | `/var/lib/docker/containers/ID/config.v2.json` | `Name`; nothing else of it is kept, it holds secrets |
//! | containerd | `/run/containerd/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json` | annotations of CRI and nerdctl |
//! | cri-o | `/run/containers/storage/overlay-containers/ID/userdata/config.json` | annotations of Kubernetes |
//! | podman | `/var/lib/containers/storage/overlay-containers/containers.json` | `names` |

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Container;
use crate::enrich::names;

/// More than any of these files has.
const MAX_BYTES: u64 = 4 << 20;
/// Longest name that is shown.
const NAME_BYTES: usize = 128;

const CONTAINERD: [&str; 2] = ["run/containerd", "run/k3s/containerd"];
const NAMESPACES: [&str; 3] = ["k8s.io", "default", "moby"];
const OVERLAY_CONTAINERS: [&str; 2] = [
    "run/containers/storage/overlay-containers",
    "var/lib/containers/storage/overlay-containers",
];

/// The files below this directory: `/`, if not for a test.
#[derive(Debug)]
pub(super) struct Runtimes {
    pub(super) root: PathBuf,
}

impl Runtimes {
    /// Fills in name and pod, as far as the files tell.
    pub(super) fn name(&self, container: &mut Container) {
        // An id is part of a path here; it comes from a path, and has no `/`.
        if container.id.contains("..") {
            return;
        }
        match container.runtime {
            "docker" => self.docker(container),
            "podman" => self.podman(container),
            "containerd" | "cri-o" | "cri" | "container" => {
                self.containerd(container);
                if container.name.is_none() {
                    self.cri_o(container);
                }
            }
            _ => {}
        }
    }

    fn docker(&self, container: &mut Container) {
        let file = format!("var/lib/docker/containers/{}/config.v2.json", container.id);
        if let Some(content) = read(&self.root.join(file)) {
            let name = pick(&content, &["Name"]);
            container.name = name.and_then(|name| fit(name.trim_start_matches('/')));
        }
    }

    fn podman(&self, container: &mut Container) {
        for directory in OVERLAY_CONTAINERS {
            let file = self.root.join(directory).join("containers.json");
            let list = read(&file).and_then(|json| serde_json::from_slice(&json).ok());
            let Some(serde_json::Value::Array(list)) = list else {
                continue;
            };
            let entry = list
                .iter()
                .find(|c| c["id"].as_str() == Some(&container.id));
            let name = entry.and_then(|entry| entry["names"][0].as_str());
            if let Some(name) = name {
                container.name = fit(name);
                return;
            }
        }
    }

    fn containerd(&self, container: &mut Container) {
        for directory in CONTAINERD {
            for namespace in NAMESPACES {
                let file = format!(
                    "{directory}/io.containerd.runtime.v2.task/{namespace}/{}/config.json",
                    container.id
                );
                let Some(content) = read(&self.root.join(file)) else {
                    continue;
                };
                let annotation = |key| pick(&content, &["annotations", key]);
                let name = annotation("io.kubernetes.cri.container-name")
                    .or_else(|| annotation("nerdctl/name"));
                container.name = name.and_then(|name| fit(&name));
                container.pod = pod(
                    annotation("io.kubernetes.cri.sandbox-namespace"),
                    annotation("io.kubernetes.cri.sandbox-name"),
                );
                return;
            }
        }
    }

    fn cri_o(&self, container: &mut Container) {
        for directory in OVERLAY_CONTAINERS {
            let file = format!("{directory}/{}/userdata/config.json", container.id);
            let Some(content) = read(&self.root.join(file)) else {
                continue;
            };
            let annotation = |key| pick(&content, &["annotations", key]);
            let name = annotation("io.kubernetes.container.name");
            container.name = name.and_then(|name| fit(&name));
            container.pod = pod(
                annotation("io.kubernetes.pod.namespace"),
                annotation("io.kubernetes.pod.name"),
            );
            return;
        }
    }
}

fn pod(namespace: Option<String>, name: Option<String>) -> Option<Box<str>> {
    fit(&format!("{}/{}", namespace?, name?))
}

fn fit(name: &str) -> Option<Box<str>> {
    (!name.is_empty()).then(|| names::line(name.as_bytes(), NAME_BYTES).into_boxed_str())
}

fn read(file: &Path) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let file = File::open(file).ok()?;
    file.take(MAX_BYTES).read_to_end(&mut content).ok()?;
    Some(content)
}

/// One text of a JSON document, by the keys that lead to it. Everything else
/// is passed over as it is read.
fn pick(json: &[u8], path: &[&str]) -> Option<String> {
    let mut document = serde_json::Deserializer::from_slice(json);
    Pick { path }.deserialize(&mut document).ok().flatten()
}

struct Pick<'a> {
    path: &'a [&'a str],
}

impl<'de> DeserializeSeed<'de> for Pick<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            match self.path.split_first() {
                Some((first, rest)) if *first == key => {
                    found = map.next_value_seed(Pick { path: rest })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.path.is_empty().then(|| text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::owners::tree::Tree;

    fn named(tree: &Tree, runtime: &'static str, id: &str) -> (Option<String>, Option<String>) {
        let mut container = Container {
            runtime,
            id: id.into(),
            name: None,
            pod: None,
        };
        let root = tree.path().to_owned();
        Runtimes { root }.name(&mut container);
        let own = |text: Option<Box<str>>| text.map(String::from);
        (own(container.name), own(container.pod))
    }

    #[test]
    fn each_runtime_names_its_containers() {
        let tree = Tree::new();
        tree.file(
            "var/lib/docker/containers/d1/config.v2.json",
            r#"{"Config":{"Env":["SECRET=1"],"Name":"not this"},"N":[1,-2,null,true,0.5],"Name":"/web"}"#,
        );
        tree.file(
            "run/containerd/io.containerd.runtime.v2.task/k8s.io/c1/config.json",
            r#"{"annotations":{"io.kubernetes.cri.container-name":"app",
                "io.kubernetes.cri.sandbox-name":"pod-1","io.kubernetes.cri.sandbox-namespace":"prod"}}"#,
        );
        tree.file(
            "run/containers/storage/overlay-containers/o1/userdata/config.json",
            r#"{"annotations":{"io.kubernetes.container.name":"db",
                "io.kubernetes.pod.name":"pod-2","io.kubernetes.pod.namespace":"test"}}"#,
        );
        tree.file(
            "var/lib/containers/storage/overlay-containers/containers.json",
            r#"[{"id":"x","names":["other"]},{"id":"p1","names":["cache\u001b[2J"]}]"#,
        );
        assert_eq!(named(&tree, "docker", "d1"), (Some("web".to_owned()), None));
        assert_eq!(
            named(&tree, "containerd", "c1"),
            (Some("app".to_owned()), Some("prod/pod-1".to_owned()))
        );
        assert_eq!(
            named(&tree, "cri-o", "o1"),
            (Some("db".to_owned()), Some("test/pod-2".to_owned()))
        );
        assert_eq!(
            named(&tree, "cri", "o1"),
            (Some("db".to_owned()), Some("test/pod-2".to_owned())),
            "a runtime that its path does not name"
        );
        assert_eq!(
            named(&tree, "podman", "p1"),
            (Some("cache\\027[2J".to_owned()), None)
        );
    }

    #[test]
    fn files_that_are_missing_or_broken_name_nothing() {
        let tree = Tree::new();
        tree.file(
            "var/lib/docker/containers/d1/config.v2.json",
            r#"{"Name":"/w"#,
        );
        tree.file(
            "var/lib/docker/containers/d2/config.v2.json",
            r#"{"Name":7}"#,
        );
        for (runtime, id) in [
            ("docker", "d1"),
            ("docker", "d2"),
            ("docker", ".."),
            ("podman", "p1"),
            ("containerd", "c1"),
            ("cri-o", "o1"),
            ("lxc", "web"),
        ] {
            assert_eq!(named(&tree, runtime, id), (None, None), "{runtime}");
        }
    }
}
