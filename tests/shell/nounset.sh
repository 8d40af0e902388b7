set -u; echo ${undefined:-fallback}; (echo $undefined) 2>/dev/null || echo unbound
