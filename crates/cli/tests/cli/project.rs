//! Projects of a test's own: a shop that does not sign, and files in a folder.

use std::path::Path;

/// A shop whose orders and labels come without a signature.
pub(crate) const SHOP: &str = "owner: team-commerce
sources:
  shop:
    verify: { unsigned: { owner: team-commerce, until: 2099-01-31, why: a test } }
    key: { path: .id }
    type: { path: .type }
    events:
      order: { type: shop.order }
      label: { type: shop.label }
";

/// Writes files, with the folders that they are in.
pub(crate) fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}
