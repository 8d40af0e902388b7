import logging, sys
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
log = logging.getLogger("shop")
log.debug("unseen")
log.info("tea for %d", 2)
try:
    1 / 0
except ZeroDivisionError:
    log.error("failed")
