import errno
import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mtkit.dataset import preparation
from mtkit.dataset.preparation import prepare
from mtkit.dataset.prepared import PreparedCorpus, Split
from mtkit.errors import CorpusError, InputError, OutputError, SettingsError, VocabularyError
from mtkit.settings import PreprocessSettings
from mtkit.text.cleaning import CleaningReport

from .conftest import Pairs, make_pairs, write_pairs
