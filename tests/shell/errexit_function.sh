set -euo pipefail; f() { false; echo in; }; if f; then echo yes; fi; f; echo never
