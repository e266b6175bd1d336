/* SPDX-License-Identifier: MIT */
#include "unit/io/drive.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct run {
    struct io_loop *loop;
    int status;
};

static void exited(void *ctx, int status, struct now now)
{
    (void)now;
    struct run *r = ctx;
    r->status = status;
    io_loop_stop(r->loop);
}

static int run(const char *script, struct io_child **out, struct run *r)
{
    static char shell[] = "sh", option[] = "-c", told[] = "WGPROXY_TOLD=hello",
                path[] = "PATH=/usr/bin:/bin";
    char *const argv[] = {shell, option, (char *)(uintptr_t)script, NULL};
    char *environment[] = {told, path, NULL};
    r->loop = loop_or_fail();
    return io_spawn(r->loop, argv, environment, exited, r, out);
}

/* What the script ends with. */
static int status_of(const char *script)
{
    struct run r = {.status = -1};
    struct io_child *c;
    assert_int_equal(run(script, &c, &r), 0);
    io_loop_run(r.loop);
    io_loop_free(r.loop);
    return r.status;
}

static void a_child_has_the_environment_it_is_given_and_tells_its_status(void **state)
{
    (void)state;
    assert_int_equal(setenv("WGPROXY_UNTOLD", "x", 1), 0);
    assert_int_equal(
        status_of("test \"$WGPROXY_TOLD\" = hello && test -z \"$WGPROXY_UNTOLD\" && exit 7"), 7);
}

static void a_child_that_was_killed_tells_the_signal(void **state)
{
    (void)state;
    struct run r = {0};
    struct io_child *c;
    assert_int_equal(run("exec sleep 60", &c, &r), 0);
    io_kill(c, SIGTERM);
    io_loop_run(r.loop);
    assert_int_equal(r.status, 128 + SIGTERM);
    io_loop_free(r.loop);
}

static void two_children_tell_each_its_own_end(void **state)
{
    (void)state;
    struct run first = {.status = -1}, second = {.status = -1};
    struct io_child *a, *b;
    assert_int_equal(run("exit 3", &a, &first), 0);
    char shell[] = "sh", option[] = "-c", script[] = "exec sleep 60";
    char *const argv[] = {shell, option, script, NULL}, *none[] = {NULL};
    second.loop = first.loop;
    assert_int_equal(io_spawn(first.loop, argv, none, exited, &second, &b), 0);
    io_loop_run(first.loop);
    assert_int_equal(first.status, 3);
    assert_int_equal(second.status, -1);
    io_kill(b, SIGKILL);
    io_loop_run(first.loop);
    assert_int_equal(second.status, 128 + SIGKILL);
    io_loop_free(first.loop);
}

/* Is the signal's bit set in this line of proc_pid_status(5)? */
static bool child_has(const char *line, int signum)
{
    char script[256];
    snprintf(script, sizeof script,
             "test $((0x$(sed -n 's/^%s:[^0-9a-f]*//p' /proc/self/status) >> %d & 1)) = 1", line,
             signum - 1);
    return status_of(script) == 0;
}

static void note(void *ctx, int signum, struct now now)
{
    (void)ctx;
    (void)signum;
    (void)now;
}

/* As if no wgproxy stood between it and who has started both. */
static void a_child_ignores_what_we_were_to_ignore_and_nothing_else(void **state)
{
    (void)state;
    assert_false(child_has("SigIgn", SIGHUP));
    assert_false(child_has("SigIgn", SIGPIPE)); /* which the loop ignores */
    assert_false(child_has("SigBlk", SIGTERM));
    signal(SIGHUP, SIG_IGN);
    assert_true(child_has("SigIgn", SIGHUP));
    signal(SIGHUP, SIG_DFL);
}

/* Without a handler of ours in it: that would answer for the loop. */
static void a_signal_to_the_child_is_not_ours(void **state)
{
    (void)state;
    struct run r = {.status = -1};
    struct io_child *c;
    struct io_loop *loop = loop_or_fail();
    assert_int_equal(io_loop_on_signal(loop, true, note, NULL), 0);
    assert_int_equal(run("kill -USR1 $$; exit 3", &c, &r), 0);
    io_loop_run(r.loop);
    assert_int_equal(r.status, 128 + SIGUSR1);
    io_loop_free(r.loop);
    io_loop_free(loop);
}

static void a_child_has_the_limit_of_descriptors_from_before(void **state)
{
    (void)state;
    struct rlimit limit, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = (struct rlimit){.rlim_cur = 200, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(status_of("test \"$(ulimit -Sn)\" = 200"), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Those from 3 on are the loop's here, which are not inherited anyway. */
static void a_child_has_no_socket_that_was_handed_over_to_us(void **state)
{
    (void)state;
    char pid[16];
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(dup2(fd, 100), 100); /* never used here */
    assert_int_equal(dup2(fd, 101), 101);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "98", 1);
    assert_int_equal(status_of("test ! -e /proc/self/fd/100 && test -e /proc/self/fd/101"), 0);
    unsetenv("LISTEN_PID");
    close(fd);
    close(100);
    close(101);
}

static int run_file(const char *path, struct run *r)
{
    struct io_child *c;
    char *const argv[] = {(char *)(uintptr_t)path, NULL}, *none[] = {NULL};
    r->loop = loop_or_fail();
    int err = io_spawn(r->loop, argv, none, exited, r, &c);
    if (err == 0) {
        io_loop_run(r->loop);
    }
    io_loop_free(r->loop);
    return err;
}

static void a_program_that_is_not_there_is_named_so(void **state)
{
    (void)state;
    struct run r = {0};
    assert_int_equal(run_file("wgproxy-no-such-program", &r), ERR_NO_NAME);
}

static void a_script_is_a_program_once_it_may_be_run(void **state)
{
    (void)state;
    struct run r = {.status = -1};
    char path[] = "/tmp/wgproxy-child-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "exit 9\n", 7), 7); /* nothing says by whom: the shell does it */
    close(fd);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(run_file(path, &r), ERR_PERM);
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(run_file(path, &r), 0);
    assert_int_equal(r.status, 9);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_has_the_environment_it_is_given_and_tells_its_status),
        cmocka_unit_test(a_child_that_was_killed_tells_the_signal),
        cmocka_unit_test(two_children_tell_each_its_own_end),
        cmocka_unit_test(a_child_ignores_what_we_were_to_ignore_and_nothing_else),
        cmocka_unit_test(a_signal_to_the_child_is_not_ours),
        cmocka_unit_test(a_child_has_the_limit_of_descriptors_from_before),
        cmocka_unit_test(a_child_has_no_socket_that_was_handed_over_to_us),
        cmocka_unit_test(a_program_that_is_not_there_is_named_so),
        cmocka_unit_test(a_script_is_a_program_once_it_may_be_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
