/* SPDX-License-Identifier: MIT */
/* The command line as a structure: one table says which options there are, what they take, with
 * which commands they go, and what --help tells of them. */
#include "cmd/options.h"

#include "base/err.h"
#include "cmd/options_check.h"
#include "cmd/usual_config.h"
#include "config/listener.h"
#include "config/nearest.h"
#include "config/report.h"
#include "config/values.h"

#include <assert.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#define RUN (1u << COMMAND_RUN)
#define CHECK (1u << COMMAND_CHECK)
#define DEMO (1u << COMMAND_DEMO)
#define ASK (1u << COMMAND_SHOW | 1u << COMMAND_READY)
#define ALL (~0u)

/* What getopt returns: the letter, or for an option without one a number above all letters. */
enum { VALUE_ALLOW_LAN = 256, VALUE_ONCE, VALUE_WAIT, VALUE_UNIX, VALUE_AEAD };

#define WAIT_USUAL 30

struct entry {
    const char *heading; /* of the group in --help that begins here */
    int value;
    const char *name;
    const char *argument; /* NULL: it takes none */
    unsigned commands;    /* that it goes with, a bit each */
    const char *help[2];  /* lines */
};

/* clang-format off */
static const struct entry entries[] = {
    {"Options", 'c', "config", "FILE", RUN | CHECK | ASK,
     {"the tunnel's wg-quick file, or a folder of *.conf;", "- is standard input; repeat it for several tunnels"}},
    {NULL, 'n', "configtest", NULL, RUN,
     {"only say what is wrong with the file", NULL}},
    {NULL, 'D', "proxy", "[ADDR:]PORT", RUN | DEMO,
     {"SOCKS and HTTP there instead of where the file says", "(127.0.0.1:1080 if it does not); or unix:PATH"}},
    {NULL, 'L', "forward", "FORWARD", RUN,
     {"[ADDR:]PORT:HOST:HOSTPORT leads to HOST in the", "tunnel; unix:PATH:HOST:HOSTPORT; udp: before it"}},
    {NULL, 'R', "reverse", "FORWARD", RUN,
     {"PORT:HOST:HOSTPORT leads from our port in the tunnel", "to HOST here; PORT:unix:PATH; udp: before it"}},
    {NULL, 'W', "stdio", "HOST:PORT", RUN,
     {"standard input and output lead there, and nothing", "else does: ssh -o ProxyCommand='... -W %h:%p'"}},
    {NULL, VALUE_ALLOW_LAN, "allow-lan", NULL, RUN | CHECK | DEMO,
     {"let others than this machine reach all that is open", NULL}},
    {NULL, 'i', "info", "[ADDR:]PORT", RUN | ASK,
     {"status there: /readyz, /metrics, /proxy.pac", NULL}},
    {NULL, VALUE_WAIT, "wait", "SECONDS", RUN,
     {"how long -- COMMAND waits for the tunnel (30)", NULL}},
    {NULL, VALUE_UNIX, "unix", NULL, RUN,
     {"give COMMAND a Unix socket instead of a port", NULL}},
    {NULL, 'd', "daemon", NULL, RUN,
     {"go on in the background once everything stands", NULL}},
    {NULL, VALUE_AEAD, "aead", "NAME", RUN | CHECK | DEMO,
     {"cipher by ipsec-mb or libsodium, not by the fastest", NULL}},
    {NULL, VALUE_ONCE, "once", NULL, DEMO,
     {"end the demo as soon as its page came through", NULL}},
    {NULL, 'q', "quiet", NULL, RUN | CHECK | DEMO,
     {"warnings and errors only; twice: errors only", NULL}},
    {NULL, 's', "silent", NULL, RUN | CHECK | DEMO,
     {"the same", NULL}},
    {NULL, 'v', "verbose", NULL, RUN | CHECK | DEMO,
     {"everything, names of destinations included", NULL}},
    {NULL, 'h', "help", NULL, ALL,
     {"print this", NULL}},
    {NULL, 'V', "version", NULL, ALL,
     {"print the versions of wgproxy and its parts", NULL}},
};
/* clang-format on */

#define N_ENTRIES ARRAY_SIZE(entries)

static size_t find_entry(int value)
{
    size_t i = 0;
    while (i < N_ENTRIES && entries[i].value != value) {
        i++;
    }
    return i;
}

static bool has_letter(const struct entry *e)
{
    return e->value < VALUE_ALLOW_LAN;
}

/* "-c" or "--once", as it is best called in a message. */
static const char *entry_name(const struct entry *e, char out[32])
{
    if (has_letter(e)) {
        snprintf(out, 32, "-%c", e->value);
    } else {
        snprintf(out, 32, "--%s", e->name);
    }
    return out;
}

struct parse {
    struct options *out;
    char *problem;
    int level; /* as enum log_level, not yet within its bounds */
    char word[QUOTE_SIZE];
};

static const char *const command_words[] = {
#define COMMAND_WORD(name, word) [name] = (word),
    COMMAND_TABLE(COMMAND_WORD)
#undef COMMAND_WORD
};
static_assert(ARRAY_SIZE(command_words) == COMMAND_N, "every command has its word");

/* Every usage error ends here: one line that says where to read on. */
PRINTF_LIKE(2, 3) static int refuse(struct parse *p, const char *fmt, ...)
{
    static const char hint[] = "; see 'wgproxy --help'";
    char words[OPTIONS_PROBLEM - sizeof "wgproxy: " - sizeof hint];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    snprintf(p->problem, OPTIONS_PROBLEM, "wgproxy: %s%s", words, hint);
    return ERR_INVALID;
}

static int take_config(struct parse *p, const char *argument)
{
    struct options *o = p->out;
    if (o->n_config == OPTIONS_CONFIG_MAX) {
        return refuse(p, "-c was given more than %d times", OPTIONS_CONFIG_MAX);
    }
    o->config_path[o->n_config++] = argument;
    return 0;
}

typedef const char *door_parse_fn(struct config_door *out, const char *text);

static int take_door(struct parse *p, char letter, door_parse_fn *parse, const char *argument)
{
    struct options *o = p->out;
    if (o->n_doors == OPTIONS_DOORS_MAX) {
        return refuse(p, "-D, -L and -R were given more than %d times", OPTIONS_DOORS_MAX);
    }
    const char *why = parse(&o->doors[o->n_doors], argument);
    if (why != NULL) {
        return refuse(p, "-%c %s: %s", letter, report_quote(p->word, argument), why);
    }
    o->n_doors++;
    o->has_proxy |= letter == 'D';
    return 0;
}

static int take_stdio(struct parse *p, const char *argument)
{
    if (p->out->stdio.target_host != NULL) {
        return refuse(p, "-W was given twice: there is one standard input");
    }
    const char *why = door_parse_stdio(&p->out->stdio, argument);
    return why != NULL ? refuse(p, "-W %s: %s", report_quote(p->word, argument), why) : 0;
}

static int take_status(struct parse *p, const char *argument)
{
    const char *why = listener_parse(&p->out->status, argument);
    if (why != NULL) {
        return refuse(p, "-i %s: %s", report_quote(p->word, argument), why);
    }
    p->out->has_status = true;
    return 0;
}

static int take_wait(struct parse *p, const char *argument)
{
    const char *why = value_seconds(&p->out->wait, 1, argument);
    return why != NULL ? refuse(p, "--wait %s: %s", report_quote(p->word, argument), why) : 0;
}

static int take(struct parse *p, int value, const char *argument)
{
    switch (value) {
    case 'c':
        return take_config(p, argument);
    case 'D':
        return take_door(p, 'D', door_parse_proxy, argument);
    case 'L':
        return take_door(p, 'L', door_parse_forward, argument);
    case 'R':
        return take_door(p, 'R', door_parse_reverse, argument);
    case 'W':
        return take_stdio(p, argument);
    case 'i':
        return take_status(p, argument);
    case VALUE_WAIT:
        return take_wait(p, argument);
    case VALUE_AEAD:
        p->out->aead = argument;
        break;
    case VALUE_UNIX:
        p->out->private_unix = true;
        break;
    case 'd':
        p->out->daemon = true;
        break;
    case 'n':
        p->out->configtest = true;
        break;
    case 'q':
    case 's':
        p->level--;
        break;
    case 'v':
        p->level++;
        break;
    case 'h':
        p->out->command = COMMAND_HELP;
        break;
    case 'V':
        p->out->command = COMMAND_VERSION;
        break;
    case VALUE_ALLOW_LAN:
        p->out->allow_lan = true;
        break;
    case VALUE_ONCE:
        p->out->once = true;
        break;
    default:
        assert(false && "every option of the table has its case");
    }
    return 0;
}

/* getopt's two descriptions of the table. '+': stop at the first word that is no option; ':': tell
 * a missing argument from an unknown option, and print nothing. */
static void describe(char letters[2 * N_ENTRIES + 3], struct option names[N_ENTRIES + 1])
{
    char *l = letters;
    *l++ = '+';
    *l++ = ':';
    for (size_t i = 0; i < N_ENTRIES; i++) {
        bool has_argument = entries[i].argument != NULL;
        names[i] = (struct option){
            .name = entries[i].name,
            .has_arg = has_argument ? required_argument : no_argument,
            .val = entries[i].value,
        };
        if (has_letter(&entries[i])) {
            *l++ = (char)entries[i].value;
        }
        if (has_letter(&entries[i]) && has_argument) {
            *l++ = ':';
        }
    }
    *l = '\0';
    names[N_ENTRIES] = (struct option){0};
}

static int refuse_unknown(struct parse *p, const char *word)
{
    struct nearest nearest;
    char name[64];
    if (word[0] != '-' || word[1] != '-') {
        return optopt > ' ' && optopt < 127 ? refuse(p, "unknown option -%c", optopt)
                                            : refuse(p, "unknown option");
    }
    if (optopt != 0) {
        return refuse(p, "option --%s takes no argument", entries[find_entry(optopt)].name);
    }
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    nearest_init(&nearest, name);
    for (size_t i = 0; i < N_ENTRIES; i++) {
        nearest_offer(&nearest, entries[i].name);
    }
    if (nearest.best != NULL) {
        return refuse(p, "unknown option %s, did you mean --%s?", report_quote(p->word, word),
                      nearest.best);
    }
    return refuse(p, "unknown option %s", report_quote(p->word, word));
}

static int refuse_incomplete(struct parse *p)
{
    char name[32];
    const struct entry *e = &entries[find_entry(optopt)];
    return refuse(p, "option %s needs %s", entry_name(e, name), e->argument);
}

static int take_command(struct parse *p, const char *word)
{
    struct nearest nearest;
    nearest_init(&nearest, word);
    for (size_t i = COMMAND_RUN + 1; i < COMMAND_N; i++) {
        if (strcmp(word, command_words[i]) == 0) {
            p->out->command = (enum command)i;
            return 0;
        }
        nearest_offer(&nearest, command_words[i]);
    }
    report_quote(p->word, word);
    if (nearest.best != NULL) {
        return refuse(p, "unknown command %s, did you mean %s?", p->word, nearest.best);
    }
    if (p->word[0] == '"' && (strchr(word, '/') != NULL || strstr(word, ".conf") != NULL)) {
        return refuse(p, "unknown command %s; a file is given with -c", p->word);
    }
    return refuse(p, "unknown command %s; a tunnel runs without one: wgproxy -c FILE", p->word);
}

/* What stands behind "--". */
static int take_words(struct parse *p, char **words, bool has_command)
{
    if (has_command) {
        return refuse(p, "-- COMMAND does not go with '%s'", command_words[p->out->command]);
    }
    if (words[0] == NULL) {
        return refuse(p, "there is no command behind --");
    }
    p->out->words = words;
    return 0;
}

/* All words up to the end, --help or --version. The options found are noted in `given`, a bit each
 * by place in the table. */
static int read_words(struct parse *p, int argc, char **argv, unsigned *given)
{
    char letters[2 * N_ENTRIES + 3];
    struct option names[N_ENTRIES + 1];
    bool has_command = false;
    int err = 0;
    describe(letters, names);
    optind = 0; /* glibc: begin anew */
    while (err == 0 && p->out->command != COMMAND_HELP && p->out->command != COMMAND_VERSION) {
        int value = getopt_long(argc, argv, letters, names, NULL);
        if (value == '?') {
            err = refuse_unknown(p, argv[optind - 1]);
        } else if (value == ':') {
            err = refuse_incomplete(p);
        } else if (value != -1) {
            *given |= 1u << find_entry(value);
            err = take(p, value, optarg);
        } else if (optind > 1 && strcmp(argv[optind - 1], "--") == 0) {
            return take_words(p, &argv[optind], has_command);
        } else if (optind == argc) {
            break;
        } else if (p->out->command == COMMAND_CHECK && p->out->target == NULL) {
            p->out->target = argv[optind++];
        } else if (has_command) {
            err = refuse(p, "unexpected %s", report_quote(p->word, argv[optind]));
        } else {
            has_command = true;
            err = take_command(p, argv[optind++]);
        }
    }
    return err;
}

static int check_given(struct parse *p, unsigned given)
{
    char name[32];
    enum command command = p->out->command;
    for (size_t i = 0; i < N_ENTRIES; i++) {
        if ((given & 1u << i) == 0 || entries[i].commands & 1u << command) {
            continue;
        }
        entry_name(&entries[i], name);
        if (command == COMMAND_RUN) {
            return refuse(p, "%s goes with '%s' only", name, command_words[COMMAND_DEMO]);
        }
        return refuse(p, "%s does not go with '%s'", name, command_words[command]);
    }
    return 0;
}

static int refuse_without_config(struct parse *p)
{
    if (p->out->target != NULL) {
        return refuse(p, "no configuration: %s is what to look up, and the file is given with -c",
                      report_quote(p->word, p->out->target));
    }
    return refuse(p, "no configuration: give -c FILE, or try 'wgproxy demo'");
}

static int check_together(struct parse *p, unsigned given)
{
    struct options *o = p->out;
    char why[160];
    int err = check_given(p, given);
    if (err == 0 && options_check(o, o->allow_lan, why, sizeof why) != 0) {
        err = refuse(p, "%s", why);
    }
    for (size_t i = 0; i < o->n_doors; i++) {
        o->doors[i].allow_lan = o->allow_lan;
    }
    bool asks = 1u << o->command & ASK;
    bool needs_config = 1u << o->command & (RUN | CHECK) || (asks && !o->has_status);
    if (err == 0 && needs_config && o->n_config == 0) {
        const char *usual = usual_config();
        err = usual != NULL ? take_config(p, usual)
              : asks
                  ? refuse(p, "where is it told? Give the -i or the -c FILE of the one that runs")
                  : refuse_without_config(p);
    }
    return err;
}

int options_parse(struct options *out, int argc, char **argv, char problem[OPTIONS_PROBLEM])
{
    struct parse p = {.out = out, .problem = problem, .level = LOG_INFO};
    unsigned given = 0;
    *out = (struct options){.wait = WAIT_USUAL};
    problem[0] = '\0';
    /* as wireproxy has it: there is nothing to be verbose about */
    if (argc == 2 && strcmp(argv[1], "-v") == 0) {
        out->command = COMMAND_VERSION;
        return 0;
    }
    int err = read_words(&p, argc, argv, &given);
    if (err == 0 && out->command != COMMAND_HELP && out->command != COMMAND_VERSION) {
        err = check_together(&p, given);
    }
    int level = p.level < LOG_ERROR ? LOG_ERROR : p.level > LOG_DEBUG ? LOG_DEBUG : p.level;
    out->level = (enum log_level)level;
    if (err != 0) {
        options_fini(out);
    }
    return err;
}

void options_fini(struct options *o)
{
    for (size_t i = 0; i < o->n_doors; i++) {
        door_fini(&o->doors[i]);
    }
    o->n_doors = 0;
    door_fini(&o->stdio);
}

struct endpoint options_default_socks(void)
{
    return (struct endpoint){.addr = {.family = FAMILY_V4, .bytes = {127, 0, 0, 1}}, .port = 1080};
}

static void print_entry(FILE *out, const struct entry *e)
{
    char form[40];
    char letter[8] = "   ";
    if (e->heading != NULL) {
        fprintf(out, "\n%s:\n", e->heading);
    }
    if (has_letter(e)) {
        snprintf(letter, sizeof letter, "-%c,", e->value);
    }
    snprintf(form, sizeof form, "%s --%s %s", letter, e->name,
             e->argument != NULL ? e->argument : "");
    fprintf(out, "  %-25s %s\n", form, e->help[0]);
    if (e->help[1] != NULL) {
        fprintf(out, "  %-25s %s\n", "", e->help[1]);
    }
}

void options_print_help(FILE *out)
{
    fputs("Usage: wgproxy [-c FILE]... [OPTION]... [-- COMMAND [ARGUMENT]...]\n"
          "       wgproxy check -c FILE [NAME|ADDRESS]\n"
          "       wgproxy COMMAND [OPTION]...\n"
          "\n"
          "Proxies and forwards into a WireGuard tunnel, without root or an interface.\n"
          "When it is ready: curl -x socks5h://127.0.0.1:1080 https://example.org/\n"
          "\n"
          "Commands:\n"
          "  check                     try a tunnel out, step by step\n"
          "  show, ready               what the one that runs does; can it be used?\n"
          "  demo                      a tunnel on this machine, and a page behind it\n"
          "  genkey, genpsk, pubkey    new keys, and the public one of a private one\n"
          "  help, version             as --help and --version\n",
          out);
    for (size_t i = 0; i < N_ENTRIES; i++) {
        print_entry(out, &entries[i]);
    }
    fputs("\n"
          "Exit status: 0 fine, 1 failure, 2 wrong command line, 3 wrong configuration,\n"
          "4 the tunnel does not work; with COMMAND, its own. See the manual, wgproxy(1).\n",
          out);
}

void options_print_version(FILE *out, const struct options_versions *v)
{
    fprintf(out, "wgproxy %s (lwIP %s, libuv %s, libsodium %s, AEAD: %s)\n", v->wgproxy, v->lwip,
            v->libuv, v->libsodium, v->aead);
}
