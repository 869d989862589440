# The public names of effconn, one place for each: `effconn/__init__.py` reads this file, type checkers do too.
# What stands here changes as docs/stability.md says: a name that goes warns for two minor releases first.
# docs/api/index.md lists every name by what it is for; a test holds the two together.

import dcm as dcm
import features as features
import peb as peb
from dcm import ChainSettings as ChainSettings
from dcm import Data as Data
from dcm import Diagnostics as Diagnostics
from dcm import Failure as Failure
from dcm import InversionError as InversionError
from dcm import Parameters as Parameters
from dcm import Posterior as Posterior
from dcm import PosteriorDraws as PosteriorDraws
from dcm import Prior as Prior
from dcm import Settings as Settings
from dcm import Spec as Spec
from dcm import Subject as Subject
from dcm import concatenate_runs as concatenate_runs
from dcm import diagnose as diagnose
from dcm import invert as invert
from dcm import invert_cohort as invert_cohort
from dcm import invert_each as invert_each
from dcm import predict_series as predict_series
from dcm import prior as prior
from dcm import sample_posterior as sample_posterior
from dcm import simulate as simulate
from dcm import simulate_draws as simulate_draws
from features import FeatureError as FeatureError
from features import crossnobis as crossnobis
from features import gppi as gppi
from features import noise_covariance as noise_covariance
from features import rest_connectivity as rest_connectivity
from pipeline.common import start_jax as start_jax
from pipeline.figures import plot_arms as plot_arms
from pipeline.figures import plot_connectivity as plot_connectivity
from pipeline.figures import plot_effects as plot_effects
from pipeline.figures import plot_fit as plot_fit
from pipeline.figures import plot_free_energy as plot_free_energy
from pipeline.figures import plot_graph as plot_graph
from pipeline.figures import plot_leave_one_out as plot_leave_one_out
from pipeline.figures import plot_models as plot_models
from pipeline.figures import plot_posterior as plot_posterior
from pipeline.images import cosine_drifts as cosine_drifts
from pipeline.images import spm_kernel as spm_kernel
from pipeline.predict import ElasticNetResult as ElasticNetResult
from pipeline.predict import elastic_net as elastic_net
from pipeline.predict import plot_coefficients as plot_coefficients
from pipeline.predict import plot_predictions as plot_predictions
from pipeline.results import ResultFileError as ResultFileError
from pipeline.results import open_dataset as open_dataset
from pipeline.results import open_result as open_result
from pipeline.results import save_result as save_result
from pipeline.results import to_arviz as to_arviz
from pipeline.results import to_dataset as to_dataset
from pipeline.series import EventsError as EventsError
from pipeline.series import RegionSeries as RegionSeries
from pipeline.series import SeriesError as SeriesError
from pipeline.series import convolve_inputs as convolve_inputs
from pipeline.series import inputs_from_events as inputs_from_events
from pipeline.series import read_series as read_series
from pipeline.series import subject_from_series as subject_from_series
from pipeline.spm import DcmFile as DcmFile
from pipeline.spm import SpmFileError as SpmFileError
from pipeline.spm import read_bma as read_bma
from pipeline.spm import read_dcm as read_dcm
from pipeline.spm import read_dcms as read_dcms
from pipeline.spm import read_peb as read_peb
from pipeline.spm import read_vois as read_vois
from pipeline.spm import specify_dcm as specify_dcm
from pipeline.spm import write_bma as write_bma
from pipeline.spm import write_dcm as write_dcm
from pipeline.spm import write_peb as write_peb
from pipeline.study import make_spec as make_spec
from pipeline.tables import TableError as TableError
