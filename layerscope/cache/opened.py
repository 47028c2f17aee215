"""Opens the user's cache, as configured in the environment."""

from __future__ import annotations

from layerscope.cache.folder import CacheFolder
from layerscope.cache.place import cache_bound, cache_path
from layerscope.cache.shelf import Shelf
from layerscope.progress import RemarkCallback


def user_folder(remark: RemarkCallback | None = None) -> CacheFolder:
    """The cache's folder, not yet opened or created. Raises `UsageError` if the limit is not a size."""
    return CacheFolder(cache_path(), cache_bound(), remark)


def used_folder(remark: RemarkCallback | None = None) -> CacheFolder | None:
    """The cache's folder; None if the user turned the cache off. Raises `UsageError` if the limit is not a size."""
    return user_folder(remark) if cache_bound() > 0 else None


def open_shelf(*, cache: bool, remark: RemarkCallback | None = None, proves: bool = False) -> Shelf:
    """The shelf in which one run looks up layers. With `cache`, it includes the user's cache. Raises `UsageError`."""
    return Shelf(used_folder(remark) if cache else None, proves=proves)
