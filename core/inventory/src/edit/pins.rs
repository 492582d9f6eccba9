//! The variables that fix versions (A13): packages and image tags of OpenShift, images of GlusterFS and heketi.

use crate::edit::refusal::EditError;
use std::collections::BTreeMap;

/// The variables that name storage images in 3.11; those with `registry` are for the storage of the registry.
const IMAGES: [&str; 8] = [
    "openshift_storage_glusterfs_image",
    "openshift_storage_glusterfs_block_image",
    "openshift_storage_glusterfs_s3_image",
    "openshift_storage_glusterfs_heketi_image",
    "openshift_storage_glusterfs_registry_image",
    "openshift_storage_glusterfs_registry_block_image",
    "openshift_storage_glusterfs_registry_s3_image",
    "openshift_storage_glusterfs_registry_heketi_image",
];

/// All that a pin may set.
pub(crate) fn names() -> Vec<&'static str> {
    ["openshift_pkg_version", "openshift_image_tag"].into_iter().chain(IMAGES).collect()
}

/// What a pin may set.
pub(crate) fn is_pin(name: &str) -> bool {
    names().contains(&name)
}

/// The variables to set, given those that are set already.
pub(crate) fn variables(
    openshift: Option<&str>,
    storage: Option<&str>,
    known: impl IntoIterator<Item = (impl AsRef<str>, String)>,
) -> Result<Vec<(String, String)>, EditError> {
    let mut pins = Vec::new();
    if let Some(version) = openshift {
        let numbers = version.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        if version.matches('.').count() < 2 || !numbers {
            return Err(EditError::InvalidValue {
                name: "openshift".to_owned(),
                reason: "is no version such as 3.11.161",
            });
        }
        pins.push(("openshift_pkg_version".to_owned(), format!("-{version}")));
        pins.push(("openshift_image_tag".to_owned(), format!("v{version}")));
    }
    if let Some(tag) = storage {
        let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        if tag.is_empty() || !tag.bytes().all(valid) || tag.starts_with(['-', '.']) {
            return Err(EditError::InvalidValue { name: "storage".to_owned(), reason: "is no tag such as v3.11.4" });
        }
        let known: BTreeMap<String, String> =
            known.into_iter().map(|(name, value)| (name.as_ref().to_owned(), value)).collect();
        let images = IMAGES.iter().filter_map(|name| Some(((*name).to_owned(), retagged(known.get(*name)?, tag))));
        let before = pins.len();
        pins.extend(images);
        if pins.len() == before {
            return Err(EditError::NoImages { names: vec![IMAGES[0], IMAGES[3]] });
        }
    }
    Ok(pins)
}

/// An image with another tag. The colon of a registry's port is not one of a tag; a digest gives way.
fn retagged(image: &str, tag: &str) -> String {
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    let name = match image.rsplit_once(':') {
        Some((name, old)) if !old.contains('/') => name,
        _ => image,
    };
    format!("{name}:{tag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_change_and_registries_stay() {
        for (image, expected) in [
            ("registry.redhat.io/rhgs3/rhgs-server-rhel7:v3.11", "registry.redhat.io/rhgs3/rhgs-server-rhel7:v3.11.4"),
            ("registry.demo:5000/rhgs-server-rhel7", "registry.demo:5000/rhgs-server-rhel7:v3.11.4"),
            ("registry.demo:5000/a/b:latest", "registry.demo:5000/a/b:v3.11.4"),
            ("a/b@sha256:0123", "a/b:v3.11.4"),
        ] {
            assert_eq!(retagged(image, "v3.11.4"), expected);
        }
    }

    #[test]
    fn pins_are_whole_or_refused() {
        let known = || [("openshift_storage_glusterfs_heketi_image", "r/h:v3".to_owned())];
        let pins = variables(Some("3.11.161"), Some("v3.11.4"), known()).expect("pins");
        let text: Vec<String> = pins.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let expected = [
            "openshift_pkg_version=-3.11.161",
            "openshift_image_tag=v3.11.161",
            "openshift_storage_glusterfs_heketi_image=r/h:v3.11.4",
        ];
        assert_eq!(text, expected);
        assert!(pins.iter().all(|(name, _)| is_pin(name)));
        for (openshift, storage, part) in [
            (Some("3.11"), None, "no version"),
            (Some("v3.11.161"), None, "no version"),
            (None, Some("v3:4"), "no tag"),
        ] {
            let error = variables(openshift, storage, known()).expect_err("refused").to_string();
            assert!(error.contains(part), "{error}");
        }
        let none: [(&str, String); 0] = [];
        let error = variables(None, Some("v3.11.4"), none).expect_err("refused").to_string();
        assert!(error.contains("set openshift_storage_glusterfs_image, or openshift_storage_glusterfs_heketi_image"));
    }
}
