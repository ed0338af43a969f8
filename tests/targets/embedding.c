/* A program that embeds Python: argv[1] is the environment's interpreter, the rest a script and its arguments.
   With EMBEDDING_TWICE set it initialises Python a second time after it finalised it. */
#include <Python.h>
#include <stdio.h>
#include <stdlib.h>

static int initialize(int argc, char **argv)
{
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.parse_argv = 0;
    PyStatus status = PyConfig_SetBytesString(&config, &config.program_name, argv[1]);
    if (!PyStatus_Exception(status))
        status = PyConfig_SetBytesArgv(&config, argc - 2, argv + 2);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    return PyStatus_Exception(status) ? -1 : 0;
}

static int run(const char *path)
{
    FILE *file = fopen(path, "r");
    return file ? PyRun_SimpleFileEx(file, path, 1) : -1;
}

int main(int argc, char **argv)
{
    if (argc < 3 || initialize(argc, argv) < 0)
        return 2;
    int result = run(argv[2]);
    if (Py_FinalizeEx() < 0)
        return 3;
    if (result == 0 && getenv("EMBEDDING_TWICE")) {
        if (initialize(argc, argv) < 0)
            return 4;
        result = PyRun_SimpleString("import json, collections, shop.stock; assert shop.stock.count('a') == 1");
        if (Py_FinalizeEx() < 0)
            return 5;
    }
    return result == 0 ? 0 : 1;
}
