"""Python FAISS as a peer: one JSON request a line, one JSON answer a line. Searches are timed in here, on contiguous float32."""
import concurrent.futures, json, os, resource, sys, time
import faiss, numpy

index = queries = None
usual_blas_threshold = faiss.cvar.distance_compute_blas_threshold


def load(path, query_file, threads):
    global index, queries
    faiss.omp_set_num_threads(threads)
    index = faiss.read_index(path)
    queries = numpy.fromfile(query_file, dtype="float32").reshape(-1, index.d)
    return {"rss": rss()}


def search(nprobe=0, k=10, batch=1, threads=1, blas=0, most=0):
    """blas: from so many queries on BLAS multiplies, 0 for the usual number; most: queries asked, 0 for all."""
    faiss.omp_set_num_threads(threads)
    faiss.cvar.distance_compute_blas_threshold = blas or usual_blas_threshold
    if nprobe:
        index.nprobe = nprobe
    times, rows, scores = [], [], []
    for at in range(0, most or len(queries), batch):
        part = queries[at : at + batch]
        start = time.perf_counter()
        found_scores, found = index.search(part, k)
        times.append((time.perf_counter() - start) * 1000 / len(part))
        rows.extend(found.tolist())
        scores.extend(found_scores.tolist())
    return {"times": times, "rows": rows, "scores": scores, "rss": rss()}


def build(vectors, target, factory, training, threads):
    faiss.omp_set_num_threads(threads)
    start, cpu = time.perf_counter(), time.process_time()
    flat = faiss.read_index(vectors)
    rows = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d).reshape(-1, flat.d)
    made = faiss.index_factory(flat.d, factory, faiss.METRIC_INNER_PRODUCT)
    if training:
        made.train(rows[numpy.sort(numpy.random.RandomState(1).choice(flat.ntotal, training, replace=False))])
    made.add(rows)
    faiss.write_index(made, target)
    with open(target, "rb+") as file:
        os.fsync(file.fileno())
    return {
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def bandwidth(threads=2, bytes=2**30, rounds=5):
    """Bytes a second that reading alone reaches, the best of the rounds: a product of a large array with itself."""
    part = numpy.ones(bytes // 4 // threads, dtype="float32")
    parts = [part.copy() for _ in range(threads)]
    best = 0
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for _ in range(rounds):
            start = time.perf_counter()
            list(pool.map(lambda one: numpy.dot(one, one), parts))
            best = max(best, threads * part.nbytes / (time.perf_counter() - start))
    return {"rate": best}


def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


print(json.dumps({"version": faiss.__version__, "options": faiss.get_compile_options()}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(globals()[request.pop("do")](**request)), flush=True)
