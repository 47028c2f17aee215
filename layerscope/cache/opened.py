"""The user's cache, as the environment says."""

from __future__ import annotations

from layerscope.cache.folder import CacheFolder
from layerscope.cache.place import cache_bound, cache_path
from layerscope.cache.shelf import Shelf
from layerscope.progress import RemarkCallback


def user_folder(remark: RemarkCallback | None = None) -> CacheFolder:
    """The folder of the cache; nothing is opened or made yet. Raises `UsageError` for a bound that is not a size."""
    return CacheFolder(cache_path(), cache_bound(), remark)


def open_shelf(*, cache: bool, remark: RemarkCallback | None = None, proves: bool = False) -> Shelf:
    """Where one run looks layers up: in the user's cache too if `cache` says so. Raises `UsageError`."""
    return Shelf(user_folder(remark) if cache else None, proves=proves)
