"""A study on a SLURM cluster: python slurm_cluster.py study.toml. Without a study: print the job it would submit."""

import subprocess
import sys

WORKERS = 20
JOB = {"queue": "normal", "memory": "4GB", "walltime": "04:00:00"}  # of one worker; "account", "interface", … as well


def main(arguments: list[str]) -> int:
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError:
        print("dask-jobqueue is not installed: pip install 'effconn[slurm]'")
        return 0
    with SLURMCluster(cores=1, processes=1, scheduler_options={"dashboard_address": ":0"}, **JOB) as cluster:
        if not arguments:
            print(cluster.job_script())
            return 0
        cluster.adapt(minimum_jobs=WORKERS, maximum_jobs=WORKERS)  # jobs whose time is up are submitted again
        print("waiting for SLURM to start a first worker", file=sys.stderr)
        cluster.wait_for_workers(1)
        command = ["effconn", "run", *arguments, "--scheduler", cluster.scheduler_address]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
