#!/bin/bash
# Run the sample's people through a real SLURM of one node on this machine, on the loopback interface, and compare the
# bytes with those of one process. Outside the tests. Debian, as root: apt-get install slurm-wlm munge; and the extra
# [cluster] in the Python that is named.
#
#   scripts/slurm_check.sh [PYTHON]
set -euo pipefail
python=${1:-python}
root=$(cd "$(dirname "$0")/.." && pwd)
here=$(mktemp -d /tmp/slurm_check.XXXXXX)
name=$(hostname)
export SLURM_CONF=$here/slurm.conf PYTHONPATH=$root

mkdir -p "$here/state" "$here/spool" "$here/munge"
cat > "$SLURM_CONF" <<CONF
ClusterName=check
SlurmctldHost=$name(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=$here/munge/socket
SlurmUser=root
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$here/state
SlurmdSpoolDir=$here/spool
SlurmctldPidFile=$here/slurmctld.pid
SlurmdPidFile=$here/slurmd.pid
SlurmctldLogFile=$here/slurmctld.log
SlurmdLogFile=$here/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
NodeName=$name NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=6000 State=UNKNOWN
PartitionName=check Nodes=$name Default=YES MaxTime=INFINITE State=UP
CONF

pids=()
stop() { kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; }
trap stop EXIT
head -c 1024 /dev/urandom > "$here/munge/key" && chmod 400 "$here/munge/key" && chmod 755 "$here" && chmod 755 "$here/munge"
munged --foreground --force --key-file "$here/munge/key" --socket "$here/munge/socket" --pid-file "$here/munge/pid" \
    --log-file "$here/munge/log" --seed-file "$here/munge/seed" & pids+=($!)
sleep 2
slurmctld -D & pids+=($!)
slurmd -D -N "$name" & pids+=($!)
for _ in $(seq 60); do sinfo -h -o %T 2>/dev/null | grep -q idle && break; sleep 1; done
sinfo

cohort() { "$python" -m nmfit.cli cohort "$root/data_samples/gw_aal2" "$1" --max-rung shared --folds 2 "${@:2}"; }
slurm=(queue=check walltime=00:20:00 memory=2GB interface=lo "log_directory=$here" "python=$(command -v "$python")")
cohort "$here/by_slurm" --workers 2 --slurm "${slurm[@]}" 2> "$here/stderr" || { tail -5 "$here/stderr"; exit 1; }
echo "jobs that ran: $(grep -c "sched: Allocate" "$here/slurmctld.log")"
cohort "$here/alone" > /dev/null 2>&1
hashes() { (cd "$1" && find . \( -name '*.npz' -o -name '*.tsv' \) -not -path '*/.unfinished/*' -print0 | sort -z | xargs -0 sha256sum); }
if diff <(hashes "$here/by_slurm") <(hashes "$here/alone"); then
    echo "same bytes: $(hashes "$here/alone" | wc -l) files"
else
    exit 1
fi
