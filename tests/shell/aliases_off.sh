alias ll='ls -l'; type cd | head -1; command -v ls > /dev/null && echo found; command -v nope || echo missing; hash -r
