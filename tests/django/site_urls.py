from django.urls import path
from drf_authentication import LatchkeyAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_jwt.authentication import JSONWebTokenAuthentication
from rest_framework_simplejwt.authentication import JWTAuthentication


class WhoAmI(APIView):
    permission_classes = [IsAuthenticated]

    def get(self, request):
        user = request.user
        return Response({"pk": user.pk, "username": user.get_username(), "superuser": user.is_superuser})


urlpatterns = [
    path("pyjwt/", WhoAmI.as_view(authentication_classes=[LatchkeyAuthentication])),
    path("simplejwt/", WhoAmI.as_view(authentication_classes=[JWTAuthentication])),
    path("drf-jwt/", WhoAmI.as_view(authentication_classes=[JSONWebTokenAuthentication])),
]
