from gaia_cli.images.wall import docker_options


def test_the_options_name_the_whole_wall() -> None:
    assert docker_options(None, "") == (
        "--read-only --tmpfs /tmp:rw,exec,nosuid,nodev,size=2g,mode=1777 "
        "--cap-drop ALL --security-opt no-new-privileges --pids-limit 2048 --stop-timeout 40"
    )


def test_limits_of_the_function_are_part_of_the_wall() -> None:
    assert docker_options(1.5, "512m").endswith(" --memory 512m --memory-swap 512m --cpus 1.5")
