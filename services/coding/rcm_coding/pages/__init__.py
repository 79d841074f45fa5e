"""A coder's workplace: the worklist, one chart with its words, codes and encoder, and the month's end.

Everything is plain HTML that works without a script; assets/chart.js only adds keys and citing by selection.
"""

from fastapi import APIRouter

from rcm_coding.pages import chart, worklist

router = APIRouter(include_in_schema=False)
for part in (worklist, chart):
    router.include_router(part.router)
