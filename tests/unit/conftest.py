# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the collection importable by its own name, under plain pytest as under ansible-test."""

from __future__ import annotations

import pathlib

try:
    from ansible.plugins.loader import init_plugin_loader
except ImportError:
    # ansible-test hides ansible.plugins from the tests of modules, and has a loader of its own.
    pass
else:
    from ansible.utils.collection_loader import AnsibleCollectionConfig

    here = pathlib.Path(__file__).resolve()
    # Where the checkout itself lies in an ansible_collections folder, that one; else the link that `make` sets up.
    roots = [parent.parent for parent in here.parents if parent.name == "ansible_collections"]
    linked = here.parents[2] / "build" / "collections"
    link = linked / "ansible_collections" / "steadystate" / "ecs"
    if not roots and not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("../../../..")
    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader([str(roots[0] if roots else linked)])
