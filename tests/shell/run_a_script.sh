printf '#!/bin/bash\necho "script $1"\nexit 2\n' > run.sh; chmod +x run.sh; ./run.sh x; echo $?; bash run.sh y; . ./run.sh z; echo unreached
