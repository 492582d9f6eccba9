//! The eleven-node lab is the one that recorded journals know: another world at its beginning would be another story.

use super::super::World;

#[test]
fn the_eleven_nodes_are_what_they_were() {
    let text = serde_json::to_string(&World::demo()).expect("writes");
    let hash = blake3::hash(text.as_bytes()).to_hex();
    assert_eq!((text.len(), &hash.as_str()[..16]), (98_619, "f2e7ac68608d42f9"));
}
