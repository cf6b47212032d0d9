#Requires -Version 5.1
<#
.SYNOPSIS
Runs the targets of the Makefile on Windows: .\make.ps1 demo, .\make.ps1 test, .\make.ps1 help.

.DESCRIPTION
From a clean checkout with Python 3.11 or newer. With cargo on the path the Rust engine is built in release
mode; without it the Python engine runs and a notice says so. Arguments after the target are handed to the
command that it runs.
#>
param(
    [Parameter(Position = 0)] [string] $Target = 'help',
    [Parameter(ValueFromRemainingArguments = $true)] [string[]] $Rest = @()
)

$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot

$Venv = '.venv'
$Bin = Join-Path $Venv 'Scripts'
$Py = Join-Path $Bin 'python.exe'
$Stamp = Join-Path $Venv '.installed'
$Core = 'python\quantumtrader\_core.pyd'
$Jobs = if ($env:JOBS) { $env:JOBS } else { '2' }
if (-not $env:CARGO_BUILD_JOBS) { $env:CARGO_BUILD_JOBS = $Jobs }

function Invoke-Step {
    # Native commands do not stop a script by themselves.
    param([string] $Command, [string[]] $Arguments)
    Write-Host "$Command $($Arguments -join ' ')"
    & $Command @Arguments
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

function Find-Python {
    $candidates = @()
    if ($env:PYTHON) { $candidates += , @($env:PYTHON) }
    $candidates += , @('py', '-3')
    $candidates += , @('python')
    $candidates += , @('python3')
    foreach ($candidate in $candidates) {
        if (-not (Get-Command $candidate[0] -ErrorAction SilentlyContinue)) { continue }
        $options = @($candidate | Select-Object -Skip 1)
        try {
            & $candidate[0] @options -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>$null
            if ($LASTEXITCODE -eq 0) { return , $candidate }
        } catch {
            continue # PowerShell 5.1 makes an error of what a program writes to standard error
        }
    }
    Write-Host 'Python 3.11 or newer is needed: install it, or set $env:PYTHON to its python.exe.'
    exit 1
}

function Write-Notice([string] $Reason) {
    Write-Host ('-' * 94)
    Write-Host "NOTICE: the Rust engine is not built: $Reason."
    Write-Host '        quantumtrader runs on the Python engine: the same numbers, much slower.'
    Write-Host '        The simulated ProfitDLL is Rust too: what needs it is skipped.'
    if (Test-Path $Core) {
        Write-Host "        $Core of an earlier build is in place and in use; delete it to drop it."
    }
    Write-Host ('-' * 94)
}

function Install-Dependencies {
    if ((Test-Path $Stamp) -and (Get-Item $Stamp).LastWriteTime -ge (Get-Item 'pyproject.toml').LastWriteTime) { return }
    if (-not (Test-Path $Py)) {
        $python = Find-Python
        $options = @($python | Select-Object -Skip 1) + @('-m', 'venv', $Venv)
        Invoke-Step $python[0] $options
    }
    $native = $env:QUANTUMTRADER_NATIVE
    $env:QUANTUMTRADER_NATIVE = '0'
    try {
        Invoke-Step $Py @('-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--editable', '.[test,dev]')
    } finally {
        $env:QUANTUMTRADER_NATIVE = $native
    }
    New-Item -ItemType File -Force $Stamp | Out-Null
}

function Get-RustState {
    # "yes", or why the Rust engine cannot be built here.
    (& $Py 'build_backend\qt_build.py') -join ' '
}

function Invoke-Simulator($Newest) {
    # Both flavours of the simulated ProfitDLL; the stamp stands for the two.
    $built = 'target\.simulator'
    if ((Test-Path $built) -and (Get-Item $built).LastWriteTime -ge $Newest) { return }
    if (Test-Path $built) { Remove-Item $built }
    & $Py 'build_backend\qt_build.py' 'simulator'
    if ($LASTEXITCODE -eq 0) { New-Item -ItemType File -Force $built | Out-Null; return }
    if ($env:QUANTUMTRADER_NATIVE -eq '1') { exit 1 }
    Write-Host 'NOTICE: the simulated ProfitDLL is not built, see above; what needs it is skipped.'
}

function Invoke-Build {
    Install-Dependencies
    $script:Rust = Get-RustState
    if ($script:Rust -ne 'yes') { Write-Notice $script:Rust; return }
    $sources = @(Get-ChildItem crates -Recurse -Include '*.rs', 'Cargo.toml') + @(Get-Item 'Cargo.toml', 'Cargo.lock')
    $newest = ($sources | Measure-Object LastWriteTime -Maximum).Maximum
    Invoke-Simulator $newest
    if ((Test-Path $Core) -and (Get-Item $Core).LastWriteTime -ge $newest) { return }
    # A build that fails must not leave an engine of older sources behind.
    if (Test-Path $Core) { Remove-Item $Core }
    & (Join-Path $Bin 'maturin.exe') develop --release --skip-install
    if ($LASTEXITCODE -eq 0) { (Get-Item $Core).LastWriteTime = Get-Date; return }
    if ($env:QUANTUMTRADER_NATIVE -eq '1') { exit 1 }
    Write-Notice 'the Rust build failed, see above'
}

function Invoke-Pytest([string] $Engine, [string[]] $Arguments) {
    if ($Engine) { $env:QUANTUMTRADER_ENGINE = $Engine } else { $env:QUANTUMTRADER_ENGINE = $null }
    Invoke-Step $Py (@('-m', 'pytest') + $Arguments)
}

function Invoke-Lint {
    Install-Dependencies
    Invoke-Step (Join-Path $Bin 'ruff.exe') @('check', '.')
    Invoke-Step (Join-Path $Bin 'ruff.exe') @('format', '--check', '.')
    Invoke-Step (Join-Path $Bin 'mypy.exe') @()
    Invoke-Step (Join-Path $Bin 'lint-imports.exe') @('--no-logo')
}

function Invoke-LintRust {
    $env:PYO3_PYTHON = (Resolve-Path $Py).Path
    Invoke-Step 'cargo' @('fmt', '--all', '--check')
    Invoke-Step 'cargo' @('clippy', '--quiet', '--workspace', '--all-targets', '--', '-D', 'warnings')
}

function Invoke-TestRust {
    Invoke-Step 'cargo' @('test', '--quiet', '--workspace', '--exclude', 'qt-python')
    Invoke-Step 'cargo' @('test', '--quiet', '--workspace', '--exclude', 'qt-python', '--benches')
}

function Invoke-Gen([string[]] $Options) {
    Invoke-Step 'cargo' (@('run', '--quiet', '-p', 'qt-features', '--bin', 'qt-gen') + $Options)
    Invoke-Step 'cargo' (@('run', '--quiet', '-p', 'qt-profitdll', '--bin', 'qt-gen-abi') + $Options)
}

function Invoke-Smoke { Invoke-Pytest '' @('benches', 'examples', '--benchmark-disable') }

function Invoke-Test {
    Invoke-Build
    Invoke-Lint
    $skip = @()
    if ($script:Rust -eq 'yes') {
        Invoke-LintRust
        Invoke-TestRust
        Invoke-Gen @('--', '--check')
        Invoke-Pytest 'rust' @('-n', $Jobs, 'tests')
        $skip = foreach ($once in 'parity', 'contract', 'checks', 'golden', 'unit/training', 'unit/models', 'unit/registry', 'unit/execution/test_crash.py', 'e2e/test_trading_day.py', 'unit/test_bar_recursions.py', 'unit/test_books.py', 'unit/test_estimators.py', 'unit/test_footprints.py', 'unit/test_recovery.py', 'unit/test_talib.py', 'unit/test_talib_volume.py', 'unit/test_venue.py', 'integration/test_detector_quality.py', 'unit/evaluation/test_book_states.py', 'unit/evaluation/test_evaluate_forms.py', 'unit/evaluation/test_evaluate_detectors.py', 'unit/test_cli_train.py', 'unit/test_detector_settings.py', 'unit/features/test_fit_pin.py', 'unit/features/test_fit_vpin.py', 'unit/features/test_fit_microprice.py') { "--ignore=tests/$once" }
    }
    Invoke-Pytest 'python' (@('-n', $Jobs, 'tests') + $skip)
    Invoke-Smoke
}

function Invoke-Docs {
    Install-Dependencies
    $state = Get-RustState
    if ($state -ne 'yes') { Write-Notice $state; return }
    $env:PYO3_PYTHON = (Resolve-Path $Py).Path
    $env:RUSTDOCFLAGS = '-D warnings'
    Invoke-Step 'cargo' @('doc', '--quiet', '--no-deps', '--workspace')
}

switch ($Target) {
    'help' {
        Write-Host 'Targets: demo test check build gen fmt lint test-rust test-rust-engine test-python-engine'
        Write-Host '         exhaustive parity smoke bench soak docs dist dev new-feature clean      (.\make.ps1 TARGET [arguments])'
    }
    'demo' { Invoke-Build; Invoke-Step (Join-Path $Bin 'quantumtrader.exe') (@('demo') + $Rest) }
    'test' { Invoke-Test }
    'check' { Invoke-Test; Invoke-Docs }
    'build' { Invoke-Build }
    'gen' { Invoke-Gen @() }
    'fmt' {
        Install-Dependencies
        Invoke-Step (Join-Path $Bin 'ruff.exe') @('check', '--fix', '--quiet', '.')
        Invoke-Step (Join-Path $Bin 'ruff.exe') @('format', '.')
        Invoke-Step 'cargo' @('fmt', '--all')
    }
    'lint' { Invoke-Lint }
    'test-rust' { Invoke-TestRust }
    'test-rust-engine' { Invoke-Build; Invoke-Pytest 'rust' (@('-n', $Jobs, 'tests') + $Rest) }
    'test-python-engine' { Invoke-Build; Invoke-Pytest 'python' (@('-n', $Jobs, 'tests') + $Rest) }
    'exhaustive' {
        Invoke-Build
        $env:QT_EXHAUSTIVE = '1'
        $what = if ($Rest) { $Rest } else { @('tests') }
        Invoke-Pytest '' (@('-n', $Jobs, '--timeout=7200') + $what)
    }
    'parity' { Invoke-Build; Invoke-Pytest '' (@('tests/parity') + $Rest) }
    'smoke' { Invoke-Build; Invoke-Smoke }
    'bench' {
        Invoke-Build
        Invoke-Pytest '' (@('benches', '--benchmark-only') + $Rest)
        Invoke-Step $Py @('benches\beside_peers.py')
    }
    'soak' {
        Invoke-Build
        if (-not $env:QT_SOAK_EVENTS) { $env:QT_SOAK_EVENTS = '10000000' }
        Invoke-Pytest '' (@('tests/e2e/test_soak.py', '-s') + $Rest)
    }
    'docs' { Invoke-Docs }
    'dist' {
        Install-Dependencies
        Invoke-Step (Join-Path $Bin 'maturin.exe') @('build', '--release', '--sdist', '--out', 'dist')
    }
    'dev' {
        Invoke-Build
        Invoke-Step $Py @('-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'pre-commit')
        Invoke-Step (Join-Path $Bin 'pre-commit.exe') @('install')
    }
    'new-feature' { Install-Dependencies; Invoke-Step $Py (@('scripts\new_feature.py') + $Rest) }
    'clean' {
        foreach ($path in 'target', 'dist', '.pytest_cache', '.mypy_cache', '.ruff_cache', '.hypothesis', 'python\quantumtrader\profitdll\simulator\*profitdll_sim*', $Core, $Stamp) {
            if (Test-Path $path) { Remove-Item -Recurse -Force $path }
        }
    }
    default { Write-Host "no target '$Target'; .\make.ps1 help lists them"; exit 2 }
}
