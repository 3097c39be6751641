"""The data and the model that both entry points use."""

from sklearn.datasets import load_wine
from sklearn.linear_model import ElasticNet
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

TARGET = "proline"


def load():
    """Thirteen measurements of 178 wines; one of them is to be predicted from the others."""
    frame = load_wine(as_frame=True).data
    return frame.drop(columns=[TARGET]), frame[TARGET]


def make_model(alpha, l1_ratio):
    return make_pipeline(StandardScaler(), ElasticNet(alpha=alpha, l1_ratio=l1_ratio, random_state=42))


def add_arguments(parser):
    parser.add_argument("--alpha", type=float, required=True, help="strength of the regularization")
    parser.add_argument("--l1-ratio", type=float, required=True, help="0: ridge, 1: lasso")
