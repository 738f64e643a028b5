"""One load of documents by the Python client's parallel_bulk; prints its CPU time (us) and wall time (ms).

usage: python bulk-peer.py URL FILE (documents as JSON lines) COUNT THREADS CHUNK
"""

import collections
import itertools
import json
import resource
import sys
import time

from elasticsearch import Elasticsearch, helpers

url, file, count, threads, chunk = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
with open(file, encoding="utf-8") as lines:
    documents = [json.loads(line) for line in itertools.islice(lines, count)]
client = Elasticsearch(url, request_timeout=120)
actions = (
    {"_op_type": "index", "_index": "bench", "_id": document["concept_id"], "_source": document}
    for document in documents
)
start, cpu = time.perf_counter(), time.process_time()
collections.deque(helpers.parallel_bulk(client, actions, thread_count=threads, chunk_size=chunk), maxlen=0)
print(
    json.dumps(
        {
            "cpu": (time.process_time() - cpu) * 1e6,
            "wall": (time.perf_counter() - start) * 1e3,
            "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )
)
