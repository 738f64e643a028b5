#!/usr/bin/env bash
# Installs faiss-node into a folder of its own for the integration tests. Where its prebuilt binary cannot be
# downloaded, its addon is built here against the distribution's libfaiss (Debian, Ubuntu). usage: faiss-node.sh FOLDER
set -euo pipefail
version=0.5.1
mkdir -p "$1"
folder=$(cd "$1" && pwd)
ready() { (cd "$folder" && node -e "require('faiss-node')") >/dev/null 2>&1; }
cd "$folder"
[ -f package.json ] || echo '{"private":true}' >package.json
ready && exit 0
npm install --no-audit --no-fund --loglevel error --ignore-scripts "faiss-node@$version" node-addon-api@6 node-api-headers@1
package=node_modules/faiss-node
if (cd "$package" && timeout 60 npx --no-install prebuild-install --runtime napi --verbose) >prebuilt.log 2>&1 && ready; then exit 0; fi
apt-get install -y -qq --no-install-recommends libfaiss-dev libopenblas0-openmp g++ >/dev/null
# Debian's 1.7.3 keeps idx_t inside Index; 1.7.4, which the addon is written for, has it in the namespace.
printf '#include <faiss/Index.h>\nnamespace faiss { using idx_t = Index::idx_t; }\n' >names.h
mkdir -p "$package/build/Release"
g++ -O2 -fPIC -shared -std=c++17 -fpermissive -Wno-narrowing -DNAPI_VERSION=8 -DNODE_ADDON_API_DISABLE_DEPRECATED \
  -DNAPI_CPP_EXCEPTIONS -include names.h -Inode_modules/node-api-headers/include -Inode_modules/node-addon-api \
  "$package/src/faiss.cc" -o "$package/build/Release/faiss-node.node" -lfaiss -l:libblas.so.3 -l:liblapack.so.3 -fopenmp
ready
