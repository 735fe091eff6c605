"""Every row that is rejected is counted by its reason: python reasons.py REPORT"""

import collections
import json
import sys

from people import IN, PEOPLE

report = json.load(open(sys.argv[1]))
expected = collections.Counter(outcome for *_, outcome in PEOPLE if outcome != IN)
assert report["rejected_by_reason"] == dict(expected), (report["rejected_by_reason"], expected)
assert report["lost_dates"] == 2, report
