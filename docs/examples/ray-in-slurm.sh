#!/bin/bash
# A bench on a Ray cluster that lives as long as a Slurm allocation. What follows the script's name goes to the bench:
#   sbatch --nodes=4 docs/examples/ray-in-slurm.sh --task sciknoweval/L3 --plugins prm --out /shared/runs
#SBATCH --job-name=openrft
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=08:00:00
set -euo pipefail

port=${RAY_PORT:-6379}
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)

# One Ray process a node, the first of them the head. `--block` keeps srun's step alive; both end with this script.
srun --nodes=1 --ntasks=1 --nodelist="$head" \
  ray start --head --block --node-ip-address="$head" --port="$port" --num-cpus="$SLURM_CPUS_PER_TASK" &
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
until ray status --address "$head:$port" >/dev/null 2>&1; do sleep 1; done
if [ "$SLURM_JOB_NUM_NODES" -gt 1 ]; then
  srun --nodes=$((SLURM_JOB_NUM_NODES - 1)) --ntasks=$((SLURM_JOB_NUM_NODES - 1)) --exclude="$head" \
    ray start --address "$head:$port" --block --num-cpus="$SLURM_CPUS_PER_TASK" &
fi
openrft bench --executor "ray:$head:$port" "$@"
